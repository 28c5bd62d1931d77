//! YAML as JSON, with CloudFormation's short forms written out: `!Ref x` is `{"Ref": "x"}`.

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// A document, and the names in one of its mappings in the order in which they are written.
pub struct Document(YamlOwned);

impl Document {
    pub fn parse(text: &str) -> Self {
        let mut documents = YamlOwned::load_from_str(text).expect("YAML");
        assert_eq!(documents.len(), 1, "one document");
        Self(documents.remove(0))
    }

    pub fn json(&self) -> Value {
        json_of(&self.0)
    }

    /// The names in the mapping of that name, as they follow each other. (JSON's own order is the alphabet's.)
    pub fn order_in(&self, name: &str) -> Vec<String> {
        let YamlOwned::Mapping(top) = &self.0 else { panic!("a mapping at the top") };
        let found = top.iter().find(|(key, _)| text_of(key) == name);
        let Some((_, YamlOwned::Mapping(mapping))) = found else { panic!("no mapping {name}") };
        mapping.keys().map(text_of).collect()
    }
}

fn json_of(node: &YamlOwned) -> Value {
    match node {
        YamlOwned::Value(scalar) => json_of_scalar(scalar),
        YamlOwned::Sequence(items) => items.iter().map(json_of).collect(),
        YamlOwned::Mapping(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (text_of(key), json_of(value))).collect::<Map<_, _>>())
        }
        YamlOwned::Tagged(tag, inner) => written_out(&tag.suffix, json_of(inner)),
        other => panic!("not in a template: {other:?}"),
    }
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

fn written_out(tag: &str, value: Value) -> Value {
    match (tag, &value) {
        ("Ref" | "Condition", _) => json!({ tag: value }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').expect("RESOURCE.ATTRIBUTE");
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        _ => json!({ format!("Fn::{tag}"): value }),
    }
}

/// A key is a text, whatever it looks like.
fn text_of(key: &YamlOwned) -> String {
    match json_of(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
