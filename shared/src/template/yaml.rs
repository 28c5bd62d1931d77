//! YAML as JSON, with CloudFormation's short forms written out: `!Ref x` is `{"Ref": "x"}`.

use anyhow::{Context as _, bail};
use saphyr::{LoadableYamlNode as _, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// A document, and the names in one of its mappings in the order in which they are written.
#[derive(Debug)]
pub struct Document(YamlOwned);

impl Document {
    /// Reads a text that holds one document.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut documents = YamlOwned::load_from_str(text).context("it is no YAML")?;
        match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => Ok(Self(document)),
            _ => bail!("it does not hold one YAML document"),
        }
    }

    /// The whole of it.
    pub fn json(&self) -> anyhow::Result<Value> {
        json_of(&self.0)
    }

    /// The names in the mapping of that name at the top, as they follow each other; none where there is no such mapping.
    pub fn order_in(&self, name: &str) -> Option<Vec<String>> {
        let YamlOwned::Mapping(top) = &self.0 else { return None };
        let found = top.iter().find(|(key, _)| key.as_str() == Some(name));
        let Some((_, YamlOwned::Mapping(mapping))) = found else { return None };
        mapping.keys().map(|key| key_of(key).ok()).collect()
    }
}

fn json_of(node: &YamlOwned) -> anyhow::Result<Value> {
    Ok(match node {
        YamlOwned::Value(scalar) => json_of_scalar(scalar),
        YamlOwned::Sequence(items) => Value::Array(items.iter().map(json_of).collect::<Result<_, _>>()?),
        YamlOwned::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| Ok((key_of(key)?, json_of(value)?)));
            Value::Object(entries.collect::<anyhow::Result<Map<_, _>>>()?)
        }
        YamlOwned::Tagged(tag, inner) => written_out(&tag.suffix, json_of(inner)?)?,
        other => bail!("a template does not hold {other:?}"),
    })
}

fn json_of_scalar(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => json!(value),
        ScalarOwned::Integer(value) => json!(value),
        ScalarOwned::FloatingPoint(value) => json!(value.into_inner()),
        ScalarOwned::String(value) => json!(value),
    }
}

fn written_out(tag: &str, value: Value) -> anyhow::Result<Value> {
    Ok(match (tag, &value) {
        ("Ref" | "Condition", _) => json!({ tag: value }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) =
                path.split_once('.').with_context(|| format!("!GetAtt {path} is no RESOURCE.ATTRIBUTE"))?;
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        _ => json!({ format!("Fn::{tag}"): value }),
    })
}

/// A key is a text, whatever it looks like.
fn key_of(key: &YamlOwned) -> anyhow::Result<String> {
    Ok(match json_of(key)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}
