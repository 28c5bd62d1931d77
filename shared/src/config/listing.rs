//! Every setting with the value in force: what `almanac config` prints.

use std::fmt;

use super::problem::{Origin, Problem};
use super::setting::{DefaultValue, Row, Section};
use super::table::TABLE;
use super::values::Values;

/// Every setting with the value in force, in the table's order, and whatever is wrong.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The settings.
    pub settings: Vec<Listed>,
    /// Unknown names and lines that could not be read.
    pub problems: Vec<Problem>,
}

/// One setting with the value in force. Nothing in here is secret.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// The part of the list in which it stands.
    pub section: Section,
    /// The value, with passwords masked; `None` when it is unset.
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
    /// One line about it.
    pub doc: &'static str,
    /// The functions that read it.
    pub read_by: &'static [&'static str],
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

impl Values {
    /// Lists every setting, whether or not something is wrong.
    pub fn listing(&self) -> Listing {
        Listing { settings: TABLE.iter().map(|row| self.listed(*row)).collect(), problems: self.problems().to_vec() }
    }

    fn listed(&self, row: &dyn Row) -> Listed {
        let about = row.about();
        let found = self.in_force(about);
        let wrong = match (&found, about.default) {
            (Some(found), _) => row.check(&found.text).err().map(|wrong| wrong.said_of(&found.text, about.secret)),
            (None, _) if self.is_replaced(about) => None,
            (None, DefaultValue::Derived { missing, .. }) => Some(format!("missing ({missing})")),
            (None, DefaultValue::Unset | DefaultValue::Fixed(_)) => None,
        };
        let problem = wrong.map(|wrong| format!("{wrong}; expected {}", row.expected()));
        Listed {
            name: about.name,
            section: about.section,
            origin: found.as_ref().map_or(Origin::Default, |found| found.origin.clone()),
            value: found.map(|found| row.shown(&found.text)),
            doc: about.doc,
            read_by: about.read_by,
            problem,
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = None;
        for listed in &self.settings {
            if section != Some(listed.section) {
                let gap = if section.is_some() { "\n" } else { "" };
                writeln!(f, "{gap}# {}", listed.section.title())?;
                section = Some(listed.section);
            }
            writeln!(f, "{listed}")?;
        }
        if !self.problems.is_empty() {
            writeln!(f, "\n# What is wrong")?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}  ({})", self.name, self.origin)?,
            None => write!(f, "{} is not set", self.name)?,
        }
        write!(f, "\n    {}", self.doc)?;
        match &self.problem {
            Some(problem) => write!(f, "\n    WRONG: {problem}"),
            None => Ok(()),
        }
    }
}
