//! Reading settings into a group, noting everything that is wrong on the way.

use super::kinds::Kind;
use super::problem::{Origin, Problem};
use super::setting::{DefaultValue, Setting};
use super::values::Values;

/// A struct of settings that belong to one job or one concern.
pub trait Group: Sized {
    /// Reads every setting of the group, and only then gives up on the first that was wrong, so that all are noted.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

macro_rules! group_of_groups {
    ($($group:ident),+) => {
        impl<$($group: Group),+> Group for ($($group,)+) {
            #[allow(non_snake_case, reason = "a macro has no other names at hand")]
            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                $(let $group = $group::read(reader);)+
                Some(($($group?,)+))
            }
        }
    };
}

group_of_groups!(A, B);
group_of_groups!(A, B, C);
group_of_groups!(A, B, C, D);

/// Hands out parsed values and notes what is wrong.
#[derive(Debug)]
pub struct Reader<'a> {
    values: &'a Values,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, problems: Vec::new() }
    }

    /// The gathered values, for what is not a setting, such as the host.
    pub fn values(&self) -> &'a Values {
        self.values
    }

    /// The value of a setting that has a default or must be set. `None`: what is wrong has been noted.
    pub fn value<K: Kind>(&mut self, setting: &Setting<K>) -> Option<K::Value> {
        let value = self.optional(setting)?;
        if value.is_none() {
            let why = match setting.about.default {
                DefaultValue::Derived { missing, .. } => format!("missing ({missing})"),
                DefaultValue::Unset | DefaultValue::Fixed(_) => "missing".to_owned(),
            };
            self.note(Problem {
                name: setting.about.name.to_owned(),
                wrong: why,
                expected: Some(setting.kind.expected()),
                origin: None,
            });
        }
        value
    }

    /// The value of a setting that may be unset. Outer `None`: what is wrong has been noted.
    pub fn optional<K: Kind>(&mut self, setting: &Setting<K>) -> Option<Option<K::Value>> {
        let Some(found) = self.values.in_force(&setting.about) else { return Some(None) };
        match setting.kind.parse(&found.text) {
            Ok(value) => Some(Some(value)),
            Err(wrong) => {
                self.note(Problem {
                    name: found.name.to_owned(),
                    wrong: wrong.said_of(&found.text, setting.about.secret),
                    expected: Some(setting.kind.expected()),
                    origin: Some(found.origin),
                });
                None
            }
        }
    }

    /// Notes that a value, right in itself, does not fit another one.
    pub fn misfit<K: Kind>(&mut self, setting: &Setting<K>, wrong: impl Into<String>) {
        let origin = self.values.in_force(&setting.about).map_or(Origin::Default, |found| found.origin);
        self.note(Problem {
            name: setting.about.name.to_owned(),
            wrong: wrong.into(),
            expected: None,
            origin: Some(origin),
        });
    }

    /// Two groups may read the same setting; it is reported once.
    fn note(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
