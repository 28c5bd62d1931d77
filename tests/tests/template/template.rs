//! The templates of this repository. What is read of a template in general is in `shared::template`; here whatever is not
//! as it should be fails the test.

use serde_json::Value;
use shared::template;
pub use shared::template::text;

use crate::read;

/// A template.
pub struct Template(template::Template);

/// Values of parameters in place of their defaults.
pub type Given = template::Given<'static>;

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
        Self(template::Template::parse(&read(path)).unwrap_or_else(|error| panic!("{path}: {error:#}")))
    }

    pub fn section(&self, name: &str) -> &Value {
        self.0.section(name)
    }

    /// The resources in the order in which they are written.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.resources()
    }

    pub fn resource(&self, id: &str) -> &Value {
        self.section("Resources").get(id).unwrap_or_else(|| panic!("no resource {id}"))
    }

    /// The resources of a type: name and properties.
    pub fn of_type<'t>(&'t self, kind: &'t str) -> impl Iterator<Item = (&'t str, &'t Value)> {
        self.resources().filter(move |(_, block)| block["Type"] == kind).map(|(id, block)| (id, &block["Properties"]))
    }

    pub fn functions(&self) -> Vec<Function<'_>> {
        self.0
            .functions()
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

    /// Every schedule, for given parameters.
    pub fn schedules(&self, given: &template::Given<'_>) -> Vec<template::Declared> {
        self.0.schedules(given).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// What a value comes to.
    pub fn resolve(&self, value: &Value, given: &Given) -> Value {
        self.0.resolve(value, given).unwrap_or_else(|error| panic!("{value}: {error:#}"))
    }

    /// The same, as a whole number.
    pub fn number(&self, value: &Value, given: &Given) -> u64 {
        let resolved = self.resolve(value, given);
        let number = text(&resolved).and_then(|text| text.parse().ok());
        number.unwrap_or_else(|| panic!("{value} comes to {resolved}, which is no whole number"))
    }

    /// Whether a condition holds.
    pub fn holds(&self, condition: &Value, given: &Given) -> bool {
        self.0.holds(condition, given).unwrap_or_else(|error| panic!("{condition}: {error:#}"))
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
