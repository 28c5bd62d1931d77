//! A CloudFormation template as it stands, without an account: its resources, what its values come to for given
//! parameters, and the schedules that it declares.

mod schedules;
mod values;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

pub use self::{schedules::Declared, values::text, yaml::Document};

/// A template.
#[derive(Debug, Clone)]
pub struct Template {
    root: Value,
    /// The names of its resources as they are written; [`Value`] orders them by the alphabet.
    order: Vec<String>,
}

/// Values of parameters in place of their defaults, by name.
pub type Given<'n> = BTreeMap<&'n str, Value>;

impl Template {
    /// Reads a template. Fails on what is no YAML, and without resources.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let document = Document::parse(text)?;
        let order = document.order_in("Resources").context("a template has resources")?;
        Ok(Self { root: document.json()?, order })
    }

    /// One of its sections, such as `Parameters`; null where it is not there.
    pub fn section(&self, name: &str) -> &Value {
        &self.root[name]
    }

    /// Whether a parameter can be given.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.section("Parameters").get(name).is_some()
    }

    /// The resources in the order in which they are written: names and blocks.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.order.iter().map(|id| (id.as_str(), &self.root["Resources"][id]))
    }

    /// The functions among them.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.resources().filter(|(_, block)| block["Type"] == "AWS::Serverless::Function")
    }
}
