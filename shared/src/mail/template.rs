//! Templates: files that an operator may change, checked when the process starts.
//!
//! A template is three files, `<name>/<locale>.subject.txt`, `.txt` and `.html`, and those of reminders
//! `<name>/first/<locale>…` and `<name>/second/<locale>…`, with `{{name}}` for each value of the
//! [catalogue](super::placeholder::INVITATION). The defaults (`infra/emails`) are part of the binary.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use super::Letter;
use super::json_text::escaped;
use super::part::{Format, Part, ses_key};
use super::placeholder::INVITATION;
use crate::letters::LetterKind;
pub use crate::people::{EmailTemplate, Locale};

/// A checked template.
#[derive(Debug)]
pub struct Template {
    subject: Part,
    text: Part,
    html: Part,
    ses: SesParts,
    ses_keys: Vec<SesKey>,
}

/// One letter's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject: one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// A template in SES's own template language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SesParts {
    /// The subject: one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// One key of SES's replacement data.
#[derive(Debug, PartialEq, Eq)]
struct SesKey {
    /// What stands before its value in JSON within JSON: `,\"key\":\"`.
    opening: String,
    placeholder: usize,
    html: bool,
}

/// Every template of every kind of letter in every language.
#[derive(Debug)]
pub struct Templates(Vec<Template>);

/// What is wrong with a set of templates: every problem, with its file and line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidTemplates(Vec<String>);

impl fmt::Display for InvalidTemplates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e-mail templates: {}", self.0.join("; "))
    }
}

impl Templates {
    /// The templates that come with Almanac.
    pub fn embedded() -> Self {
        Self::read(|file| {
            EMBEDDED
                .iter()
                .find(|(name, _)| *name == file)
                .map(|(_, source)| (*source).to_owned())
                .ok_or_else(|| format!("{file} is missing"))
        })
        .expect("the embedded templates are checked by a test of this module")
    }

    /// An operator's own templates. The folder must hold all of them: a mixture of old and new words helps nobody.
    pub fn load(dir: &Path) -> Result<Self, InvalidTemplates> {
        Self::read(|file| {
            let path = dir.join(file);
            std::fs::read_to_string(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => format!("{} is missing", path.display()),
                _ => format!("{} cannot be read: {error}", path.display()),
            })
        })
    }

    /// The template of that name in that language, for letters of that kind.
    pub fn get(&self, kind: LetterKind, name: EmailTemplate, locale: Locale) -> &Template {
        &self.0[(kind.place() * EmailTemplate::ALL.len() + name as usize) * Locale::ALL.len() + locale as usize]
    }

    fn read(source: impl Fn(&str) -> Result<String, String>) -> Result<Self, InvalidTemplates> {
        let mut templates = Vec::new();
        let mut problems = Vec::new();
        for stem in LetterKind::ALL.into_iter().flat_map(stems) {
            match Template::read(&stem, &source) {
                Ok(template) => templates.push(template),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self(templates)) } else { Err(InvalidTemplates(problems)) }
    }
}

/// What the files of a kind of letter are called, without their endings, in the order of [`Templates`].
fn stems(kind: LetterKind) -> impl Iterator<Item = String> {
    let folder = match kind {
        LetterKind::Invitation => String::new(),
        LetterKind::Reminder(reminder) => format!("{reminder}/"),
    };
    let of_name = move |name: &EmailTemplate| {
        let (name, folder) = (*name, folder.clone());
        Locale::ALL.iter().map(move |locale| format!("{name}/{folder}{locale}"))
    };
    EmailTemplate::ALL.iter().flat_map(of_name)
}

impl Template {
    fn read(stem: &str, source: impl Fn(&str) -> Result<String, String>) -> Result<Self, Vec<String>> {
        let part = |format, ending| {
            let file = format!("{stem}{ending}");
            source(&file).and_then(|source| part(format, &file, &source))
        };
        let subject = part(Format::Subject, ".subject.txt");
        let text = part(Format::Text, ".txt");
        let html = part(Format::Html, ".html");
        match (subject, text, html) {
            (Ok(subject), Ok(text), Ok(html)) => Ok(Self::new(subject, text, html)),
            (subject, text, html) => Err([subject.err(), text.err(), html.err()].into_iter().flatten().collect()),
        }
    }

    fn new(subject: Part, text: Part, html: Part) -> Self {
        let ses = SesParts { subject: subject.ses(), text: text.ses(), html: html.ses() };
        let mut ses_keys: Vec<SesKey> = Vec::new();
        let mut known = HashSet::new();
        for (part, format) in [(&subject, Format::Subject), (&text, Format::Text), (&html, Format::Html)] {
            for placeholder in part.placeholders() {
                let html = format == Format::Html;
                let key = ses_key(INVITATION[placeholder], format);
                let comma = if ses_keys.is_empty() { "" } else { "," };
                let opening = escaped(&format!("{comma}\"{key}\":\"")).into_owned();
                if known.insert(key) {
                    ses_keys.push(SesKey { opening, placeholder, html });
                }
            }
        }
        Self { subject, text, html, ses, ses_keys }
    }

    /// The words of `letter`.
    pub fn render(&self, letter: &Letter) -> Rendered {
        Rendered {
            subject: self.subject.fill(&letter.values),
            text: self.text.fill(&letter.values),
            html: self.html.fill(&letter.values),
        }
    }

    /// The template as SES takes it inline.
    pub fn ses(&self) -> &SesParts {
        &self.ses
    }

    /// Appends the JSON that puts `letter`'s words into [`Template::ses`], as it stands between the quotes of a JSON
    /// text, which is how SES wants it. The outcome is the same as [`Template::render`]'s.
    pub(super) fn write_ses_data(&self, letter: &Letter, json: &mut String) {
        json.push('{');
        let mut as_html = String::new();
        for SesKey { opening, placeholder, html } in &self.ses_keys {
            json.push_str(opening);
            let raw = letter.values.get(*placeholder).map_or("", String::as_str);
            let value = if *html {
                as_html.clear();
                INVITATION[*placeholder].write_html(raw, &mut as_html);
                Cow::Borrowed(as_html.as_str())
            } else {
                INVITATION[*placeholder].plain(raw)
            };
            json.push_str(&escaped(&escaped(&value)));
            json.push_str("\\\"");
        }
        json.push('}');
    }

    /// About how many bytes the quoted-printable parts take, for one allocation a mail.
    pub(super) fn quoted_bytes(&self) -> usize {
        self.text.quoted_bytes() + self.html.quoted_bytes()
    }

    /// The subject of `letter`: one line.
    pub(super) fn subject(&self, letter: &Letter) -> String {
        self.subject.fill(&letter.values)
    }

    /// Appends `letter`'s text part in quoted-printable.
    pub(super) fn write_quoted_text(&self, letter: &Letter, out: &mut String) {
        self.text.write_quoted(&letter.values, out);
    }

    /// Appends `letter`'s HTML part in quoted-printable.
    pub(super) fn write_quoted_html(&self, letter: &Letter, out: &mut String) {
        self.html.write_quoted(&letter.values, out);
    }
}

/// Checks one file.
fn part(format: Format, file: &str, source: &str) -> Result<Part, String> {
    let source = if format == Format::Subject { source.trim() } else { source };
    let part = Part::parse(format, source).map_err(|error| format!("{file}:{}: {}", error.line, error.problem))?;
    match format {
        Format::Subject if source.is_empty() || source.contains(char::is_control) => {
            Err(format!("{file}:1: expected one line of text"))
        }
        Format::Subject => Ok(part),
        Format::Text | Format::Html => {
            let missing = ["link", "unsubscribe_url"].into_iter().find(|name| !part.uses(name));
            match missing {
                Some(name) => Err(format!("{file}:{}: expected {{{{{name}}}}} somewhere", source.lines().count())),
                None => Ok(part),
            }
        }
    }
}

/// The files of one template in one language.
macro_rules! files {
    ($stem:literal) => {
        [
            (concat!($stem, ".subject.txt"), include_str!(concat!("../../../infra/emails/", $stem, ".subject.txt"))),
            (concat!($stem, ".txt"), include_str!(concat!("../../../infra/emails/", $stem, ".txt"))),
            (concat!($stem, ".html"), include_str!(concat!("../../../infra/emails/", $stem, ".html"))),
        ]
    };
}

static EMBEDDED: std::sync::LazyLock<Vec<(&str, &str)>> = std::sync::LazyLock::new(|| {
    [
        files!("friendly/fr"),
        files!("friendly/en"),
        files!("professional/fr"),
        files!("professional/en"),
        files!("fun/fr"),
        files!("fun/en"),
        files!("friendly/first/fr"),
        files!("friendly/first/en"),
        files!("professional/first/fr"),
        files!("professional/first/en"),
        files!("fun/first/fr"),
        files!("fun/first/en"),
        files!("friendly/second/fr"),
        files!("friendly/second/en"),
        files!("professional/second/fr"),
        files!("professional/second/en"),
        files!("fun/second/fr"),
        files!("fun/second/en"),
    ]
    .concat()
});

#[cfg(test)]
mod tests;
