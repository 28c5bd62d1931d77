//! One setting: its name, kind, default and what is said about it.

use super::kinds::{Kind, Wrong};
use super::mask::masked;
use super::values::Values;

/// The part of `.env.example` and of the listing in which a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Where things are kept.
    Places,
    /// What stands in AWS.
    Aws,
    /// When the monthly cycle fires.
    Schedule,
    /// How a run is cut up and worked off.
    Work,
    /// Letters and their providers.
    Email,
    /// Invitations and reminders.
    Invitations,
    /// What is deleted when.
    Cleanup,
    /// When to raise an alert.
    Health,
    /// Hackathon monitors and the Hub that they tell.
    Hackathon,
}

impl Section {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Places => "Where things are kept",
            Self::Aws => "What stands in AWS",
            Self::Schedule => "When the monthly cycle fires",
            Self::Work => "How a run is cut up and worked off",
            Self::Email => "Letters and their providers",
            Self::Invitations => "Invitations and reminders",
            Self::Cleanup => "What is deleted when",
            Self::Health => "When to raise an alert",
            Self::Hackathon => "Hackathon monitors, and the Hub that they tell",
        }
    }
}

/// What holds when nobody sets a value.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    /// Nothing: the setting is optional.
    Unset,
    /// Always this text.
    Fixed(&'static str),
    /// A text that depends on the host or on other settings.
    Derived {
        /// The rule, for people.
        rule: &'static str,
        /// The rule. `None`: here the setting must be set.
        of: fn(&Values) -> Option<String>,
        /// Why it must be set where `of` gives nothing.
        missing: &'static str,
    },
}

/// What is known about a setting besides its kind.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The environment variable.
    pub name: &'static str,
    /// The name that the system before this one used, still accepted.
    pub former: Option<&'static str>,
    /// One line for people.
    pub doc: &'static str,
    /// Where it is listed.
    pub section: Section,
    /// What holds when nobody sets it.
    pub default: DefaultValue,
    /// The setting that takes this one's place where it is set: then this one has no default and may be missing.
    pub replaced_by: Option<&'static str>,
    /// Whether a value may hold a secret, if only by mistake: then no error repeats it.
    pub secret: bool,
    /// Whether it can only be an environment variable, because it decides which file is read.
    pub environment_only: bool,
    /// The functions (folders under `functions/`, and `almanac`) that read it.
    pub read_by: &'static [&'static str],
}

/// A setting whose values have the type that its kind parses.
#[derive(Debug)]
pub struct Setting<K> {
    /// What is known about it.
    pub about: About,
    /// What its values look like.
    pub kind: K,
}

impl<K: Kind> Setting<K> {
    /// An optional setting; the methods below say what else is known.
    pub(super) const fn new(name: &'static str, doc: &'static str, section: Section, kind: K) -> Self {
        let about = About {
            name,
            former: None,
            doc: doc.trim_ascii(),
            section,
            default: DefaultValue::Unset,
            replaced_by: None,
            secret: false,
            environment_only: false,
            read_by: &[],
        };
        Self { about, kind }
    }

    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.about.default = DefaultValue::Fixed(text);
        self
    }

    pub(super) const fn derived(
        mut self,
        rule: &'static str,
        of: fn(&Values) -> Option<String>,
        missing: &'static str,
    ) -> Self {
        self.about.default = DefaultValue::Derived { rule, of, missing };
        self
    }

    pub(super) const fn formerly(mut self, name: &'static str) -> Self {
        self.about.former = Some(name);
        self
    }

    pub(super) const fn replaced_by(mut self, name: &'static str) -> Self {
        self.about.replaced_by = Some(name);
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.about.secret = true;
        self
    }

    pub(super) const fn environment_only(mut self) -> Self {
        self.about.environment_only = true;
        self
    }

    pub(super) const fn read_by(mut self, functions: &'static [&'static str]) -> Self {
        self.about.read_by = functions;
        self
    }
}

/// A setting without its type, as a row of the table.
pub trait Row: Sync {
    /// What is known about it.
    fn about(&self) -> &About;
    /// What a value must look like.
    fn expected(&self) -> String;
    /// Whether the text is a value.
    fn check(&self, text: &str) -> Result<(), Wrong>;

    /// The text as people may see it: passwords are masked, and a secret that cannot be read is hidden whole.
    fn shown(&self, text: &str) -> String {
        if self.about().secret && self.check(text).is_err() { "(hidden)".to_owned() } else { masked(text) }
    }
}

impl<K: Kind> Row for Setting<K> {
    fn about(&self) -> &About {
        &self.about
    }

    fn expected(&self) -> String {
        self.kind.expected()
    }

    fn check(&self, text: &str) -> Result<(), Wrong> {
        self.kind.parse(text).map(drop)
    }
}
