//! What a template's values come to: parameters, mappings and conditions are looked up.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{Given, Template};

impl Template {
    /// What a value comes to. What only AWS knows is the name of the resource, as `sam local` has it. Fails where
    /// something is named that is not there, and at a function of CloudFormation that is not built as it should be; one
    /// that is not known here stays, with its arguments resolved.
    pub fn resolve(&self, value: &Value, given: &Given<'_>) -> anyhow::Result<Value> {
        let Value::Object(object) = value else {
            return match value {
                Value::Array(items) => items.iter().map(|item| self.resolve(item, given)).collect(),
                plain => Ok(plain.clone()),
            };
        };
        let [(function, argument)] = object.iter().collect::<Vec<_>>()[..] else {
            return object.iter().map(|(key, value)| Ok((key.clone(), self.resolve(value, given)?))).collect();
        };
        match function.as_str() {
            "Ref" => self.reference(argument.as_str().context("Ref names something")?, given),
            "Fn::GetAtt" => Ok(argument[0].clone()),
            "Fn::Sub" => self.substitute(argument, given),
            "Fn::FindInMap" => self.in_mapping(argument, given),
            "Fn::If" => {
                let branch = if self.holds(&json!({"Condition": argument[0]}), given)? { 1 } else { 2 };
                self.resolve(&argument[branch], given)
            }
            "Fn::Join" => self.joined(argument, given),
            "Fn::Split" => {
                let whole = self.resolve_text(&argument[1], given)?;
                Ok(whole.split(separator(argument)?).collect())
            }
            "Fn::Select" => {
                let index = argument[0].as_u64().and_then(|index| usize::try_from(index).ok());
                let list = self.resolve(&argument[1], given)?;
                let selected = index.and_then(|index| list.get(index));
                selected.cloned().with_context(|| format!("Fn::Select {argument} selects nothing"))
            }
            _ => Ok(json!({ function: self.resolve(argument, given)? })),
        }
    }

    /// The same, as a text.
    pub fn resolve_text(&self, value: &Value, given: &Given<'_>) -> anyhow::Result<String> {
        let resolved = self.resolve(value, given)?;
        text(&resolved).with_context(|| format!("{value} comes to {resolved}, which is no text"))
    }

    /// Whether a condition holds.
    pub fn holds(&self, condition: &Value, given: &Given<'_>) -> anyhow::Result<bool> {
        let (function, argument) = condition
            .as_object()
            .and_then(|object| object.iter().next())
            .with_context(|| format!("{condition} is no condition"))?;
        let parts = || argument.as_array().with_context(|| format!("{function} has a list of conditions"));
        match function.as_str() {
            "Condition" => {
                let name = argument.as_str().context("a condition has a name")?;
                let named = self.section("Conditions").get(name);
                self.holds(named.with_context(|| format!("there is no condition {name}"))?, given)
            }
            "Fn::Equals" => {
                let [one, other] = [0, 1].map(|index| self.resolve(&argument[index], given));
                Ok(text(&one?) == text(&other?))
            }
            "Fn::Not" => Ok(!self.holds(&argument[0], given)?),
            "Fn::Or" => some(parts()?.iter().map(|part| self.holds(part, given))),
            "Fn::And" => Ok(!some(parts()?.iter().map(|part| Ok(!self.holds(part, given)?)))?),
            other => bail!("{other} is no condition that is known here"),
        }
    }

    fn reference(&self, name: &str, given: &Given<'_>) -> anyhow::Result<Value> {
        if let Some(value) = given.get(name) {
            return Ok(value.clone());
        }
        if let Some(parameter) = self.section("Parameters").get(name) {
            let default = parameter.get("Default");
            return default.cloned().with_context(|| format!("the parameter {name} has no default, and is not given"));
        }
        match name {
            "AWS::NoValue" => Ok(Value::Null),
            _ if name.starts_with("AWS::") || self.section("Resources").get(name).is_some() => Ok(json!(name)),
            _ => bail!("there is neither a parameter nor a resource {name}"),
        }
    }

    fn substitute(&self, argument: &Value, given: &Given<'_>) -> anyhow::Result<Value> {
        let template = argument.as_str().context("Fn::Sub is known here with a text alone")?;
        let mut parts = template.split("${");
        let mut written = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').with_context(|| format!("{template} has an open ${{"))?;
            let named = name.split('.').next().unwrap_or(name);
            written.push_str(&text(&self.reference(named, given)?).unwrap_or_default());
            written.push_str(rest);
        }
        Ok(json!(written))
    }

    fn in_mapping(&self, argument: &Value, given: &Given<'_>) -> anyhow::Result<Value> {
        let [map, row, column] = [0, 1, 2].map(|index| self.resolve_text(&argument[index], given));
        let (map, row, column) = (map?, row?, column?);
        let found = &self.section("Mappings")[&map][&row][&column];
        if found.is_null() {
            bail!("{map}/{row}/{column} is in no mapping");
        }
        Ok(found.clone())
    }

    fn joined(&self, argument: &Value, given: &Given<'_>) -> anyhow::Result<Value> {
        let items = self.resolve(&argument[1], given)?;
        let parts: Vec<_> = match &items {
            Value::Array(items) => items.iter().filter_map(text).collect(),
            one => text(one).into_iter().collect(),
        };
        Ok(json!(parts.join(separator(argument)?)))
    }
}

/// Whether one of them is true; it looks no further than that one.
fn some(mut parts: impl Iterator<Item = anyhow::Result<bool>>) -> anyhow::Result<bool> {
    parts.find(|part| !matches!(part, Ok(false))).unwrap_or(Ok(false))
}

fn separator(argument: &Value) -> anyhow::Result<&str> {
    argument[0].as_str().context("a list is joined or split at a text")
}

/// A number or a text as CloudFormation passes it on: as a text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
