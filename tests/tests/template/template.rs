//! A template, and what its values come to for given parameters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{read, yaml::Document};

/// A template.
pub struct Template {
    root: Value,
    order: Vec<String>,
}

/// Values of parameters in place of their defaults.
pub type Given = BTreeMap<&'static str, Value>;

/// A function and what the template says of it.
#[derive(Clone, Copy)]
pub struct Function<'t> {
    /// The name of its block.
    pub id: &'t str,
    /// The name of its binary.
    pub binary: &'t str,
    /// Its block.
    pub block: &'t Value,
}

/// One event of a function.
pub struct Event<'t> {
    pub function: Function<'t>,
    pub name: &'t str,
    pub kind: &'t str,
    pub properties: &'t Value,
}

impl Template {
    pub fn main() -> Self {
        Self::read("template.yaml")
    }

    pub fn data_stores() -> Self {
        Self::read("infra/data-stores.yaml")
    }

    fn read(path: &str) -> Self {
        let document = Document::parse(&read(path));
        Self { root: document.json(), order: document.order_in("Resources") }
    }

    pub fn section(&self, name: &str) -> &Value {
        &self.root[name]
    }

    /// The resources in the order in which they are written.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.order.iter().map(|id| (id.as_str(), &self.root["Resources"][id]))
    }

    pub fn resource(&self, id: &str) -> &Value {
        self.root["Resources"].get(id).unwrap_or_else(|| panic!("no resource {id}"))
    }

    /// The resources of a type: name and properties.
    pub fn of_type<'t>(&'t self, kind: &'t str) -> impl Iterator<Item = (&'t str, &'t Value)> {
        self.resources().filter(move |(_, block)| block["Type"] == kind).map(|(id, block)| (id, &block["Properties"]))
    }

    pub fn functions(&self) -> Vec<Function<'_>> {
        self.resources()
            .filter(|(_, block)| block["Type"] == "AWS::Serverless::Function")
            .map(|(id, block)| {
                let binary = block["Metadata"]["BuildProperties"]["Binary"].as_str();
                Function { id, binary: binary.unwrap_or_else(|| panic!("{id} names no Binary")), block }
            })
            .collect()
    }

    /// What fires functions.
    pub fn events(&self) -> Vec<Event<'_>> {
        let mut events = Vec::new();
        for function in self.functions() {
            for (name, event) in function.block["Properties"]["Events"].as_object().into_iter().flatten() {
                let kind = event["Type"].as_str().expect("an event has a type");
                events.push(Event { function, name, kind, properties: &event["Properties"] });
            }
        }
        events
    }

    /// What a value comes to: parameters, mappings and conditions are looked up. What only AWS knows is the name of the
    /// resource, as `sam local` has it.
    pub fn resolve(&self, value: &Value, given: &Given) -> Value {
        let Value::Object(object) = value else {
            return match value {
                Value::Array(items) => items.iter().map(|item| self.resolve(item, given)).collect(),
                plain => plain.clone(),
            };
        };
        let [(function, argument)] = object.iter().collect::<Vec<_>>()[..] else {
            return object.iter().map(|(key, value)| (key.clone(), self.resolve(value, given))).collect();
        };
        match function.as_str() {
            "Ref" => self.reference(argument.as_str().expect("Ref names something"), given),
            "Fn::GetAtt" => argument[0].clone(),
            "Fn::Sub" => json!(self.substitute(argument.as_str().expect("Sub of a text"), given)),
            "Fn::FindInMap" => {
                let [map, row, column] =
                    [0, 1, 2].map(|index| text(&self.resolve(&argument[index], given)).expect("a name in a mapping"));
                let found = &self.root["Mappings"][&map][&row][&column];
                assert!(!found.is_null(), "{map}/{row}/{column} is in no mapping");
                found.clone()
            }
            "Fn::If" => {
                let branch = if self.holds(&json!({"Condition": argument[0]}), given) { 1 } else { 2 };
                self.resolve(&argument[branch], given)
            }
            "Fn::Join" => {
                let items = self.resolve(&argument[1], given);
                let parts = match &items {
                    Value::Array(items) => items.iter().filter_map(text).collect(),
                    list => vec![text(list).expect("a list")],
                };
                json!(parts.join(argument[0].as_str().expect("a separator")))
            }
            "Fn::Split" => {
                let whole = text(&self.resolve(&argument[1], given)).expect("a text to split");
                whole.split(argument[0].as_str().expect("a separator")).collect()
            }
            "Fn::Select" => {
                let index = argument[0].as_u64().and_then(|index| usize::try_from(index).ok()).expect("an index");
                self.resolve(&argument[1], given)[index].clone()
            }
            _ => json!({ function: self.resolve(argument, given) }),
        }
    }

    /// The same, as a whole number.
    pub fn number(&self, value: &Value, given: &Given) -> u64 {
        let resolved = self.resolve(value, given);
        let number = text(&resolved).and_then(|text| text.parse().ok());
        number.unwrap_or_else(|| panic!("{value} comes to {resolved}, which is no whole number"))
    }

    fn reference(&self, name: &str, given: &Given) -> Value {
        let parameter = self.root["Parameters"].get(name);
        match (given.get(name), parameter) {
            (Some(value), _) => value.clone(),
            (None, Some(parameter)) => parameter["Default"].clone(),
            (None, None) if name == "AWS::NoValue" => Value::Null,
            (None, None) => json!(name),
        }
    }

    fn substitute(&self, template: &str, given: &Given) -> String {
        let mut parts = template.split("${");
        let mut written = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a closed ${…}");
            let resource = name.split('.').next().unwrap_or(name);
            written.push_str(&text(&self.reference(resource, given)).unwrap_or_default());
            written.push_str(rest);
        }
        written
    }

    /// Whether a condition holds.
    pub fn holds(&self, condition: &Value, given: &Given) -> bool {
        let (function, argument) = condition.as_object().and_then(|object| object.iter().next()).expect("a condition");
        match function.as_str() {
            "Condition" => {
                let name = argument.as_str().expect("a condition's name");
                let named = self.root["Conditions"].get(name);
                self.holds(named.unwrap_or_else(|| panic!("no condition {name}")), given)
            }
            "Fn::Equals" => {
                let sides = [0, 1].map(|index| text(&self.resolve(&argument[index], given)));
                sides[0] == sides[1]
            }
            "Fn::Not" => !self.holds(&argument[0], given),
            "Fn::Or" => argument.as_array().expect("conditions").iter().any(|one| self.holds(one, given)),
            "Fn::And" => argument.as_array().expect("conditions").iter().all(|one| self.holds(one, given)),
            other => panic!("{other} is no condition that is known here"),
        }
    }
}

/// A number or a text as CloudFormation passes it on: as a text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A value or a list of values, as a list.
pub fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The resource that a `Ref` or `GetAtt` names.
pub fn target(value: &Value) -> &str {
    let named = value.get("Ref").or_else(|| value.pointer("/Fn::GetAtt/0")).and_then(Value::as_str);
    named.unwrap_or_else(|| panic!("{value} names no resource"))
}

/// Every time-out of the worker that the template allows, as parameters.
pub fn worker_timeouts(template: &Template) -> Vec<Given> {
    let allowed = template.section("Parameters")["WorkerTimeout"]["AllowedValues"].as_array();
    allowed.expect("a list").iter().map(|value| Given::from([("WorkerTimeout", value.clone())])).collect()
}
