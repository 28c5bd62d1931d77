//! The settings file: `KEY=VALUE` lines.
//!
//! Blank lines and lines that begin with `#` are skipped. A bare value ends at the line's end or at a `#` after white
//! space. `'…'` is taken as it stands; in `"…"` only `\"` and `\\` are escapes.

use std::path::{Path, PathBuf};

use super::problem::{Origin, Problem};

/// A settings file, read and taken apart.
#[derive(Debug)]
pub struct EnvFile {
    pub(super) path: PathBuf,
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
}

/// One line that sets something.
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// Any line may hold a secret.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({}: {}=…)", self.line, self.key)
    }
}

impl EnvFile {
    /// Takes a file's text apart. Lines that are no setting are kept as problems.
    pub fn parse(path: impl Into<PathBuf>, text: &str) -> Self {
        let mut file = Self { path: path.into(), entries: Vec::new(), problems: Vec::new() };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            file.take(index + 1, line.trim());
        }
        file
    }

    /// Reads and takes apart a file that must be there.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let problem = |wrong: String| Problem { name: path.display().to_string(), wrong, expected: None, origin: None };
        let bytes = std::fs::read(path).map_err(|error| problem(format!("cannot be read: {error}")))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::parse(path, &text)),
            Err(_) => Err(problem("is not UTF-8".to_owned())),
        }
    }

    fn take(&mut self, line: usize, text: &str) {
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        match entry(text) {
            Ok((key, value)) => match self.entries.iter().find(|entry| entry.key == key) {
                Some(first) => self.problem(line, key, format!("is set twice, first on line {}", first.line)),
                None => self.entries.push(Entry { line, key: key.to_owned(), value }),
            },
            Err(wrong) => self.problem(line, "line", wrong.to_owned()),
        }
    }

    fn problem(&mut self, line: usize, name: &str, wrong: String) {
        let origin = Origin::File { path: self.path.clone(), line };
        self.problems.push(Problem { name: name.to_owned(), wrong, expected: None, origin: Some(origin) });
    }
}

/// Reads one line. The error never repeats it.
fn entry(text: &str) -> Result<(&str, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("is not KEY=VALUE")?;
    let key = key.trim_end();
    let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if key.is_empty() || !key.bytes().all(named) {
        return Err("does not begin with a name of letters, digits and _");
    }
    Ok((key, unquoted(value.trim_start())?))
}

fn unquoted(text: &str) -> Result<String, &'static str> {
    if let Some(rest) = text.strip_prefix('\'') {
        let (value, after) = rest.split_once('\'').ok_or("has a quote that is not closed")?;
        return nothing_follows(after).map(|()| value.to_owned());
    }
    if let Some(rest) = text.strip_prefix('"') {
        return double_quoted(rest);
    }
    Ok(bare(text).to_owned())
}

fn bare(text: &str) -> &str {
    let mut after_blank = true;
    for (position, character) in text.char_indices() {
        if character == '#' && after_blank {
            return text[..position].trim_end();
        }
        after_blank = character.is_whitespace();
    }
    text.trim_end()
}

fn double_quoted(text: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return nothing_follows(characters.as_str()).map(|()| value),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                Some(other) => value.extend(['\\', other]),
                None => break,
            },
            _ => value.push(character),
        }
    }
    Err("has a quote that is not closed")
}

fn nothing_follows(text: &str) -> Result<(), &'static str> {
    if bare(text).is_empty() { Ok(()) } else { Err("has something after the closing quote") }
}

#[cfg(test)]
mod tests {
    use super::EnvFile;

    fn value(line: &str) -> String {
        let file = EnvFile::parse("f", line);
        assert!(file.problems.is_empty(), "{line}: {:?}", file.problems);
        file.entries[0].value.clone()
    }

    #[test]
    fn values_are_read_bare_and_in_both_quotes() {
        for (line, read) in [
            ("A=b", "b"),
            ("A = b c  # why", "b c"),
            ("A=b#c", "b#c"),
            ("A=# nothing", ""),
            ("A=", ""),
            ("A='b # \"c\" \\'", "b # \"c\" \\"),
            (r#"A="b \"c\" \\ \n" # why"#, r#"b "c" \ \n"#),
            ("A=\"\"", ""),
            ("\u{feff}A=x=y", "x=y"),
        ] {
            assert_eq!(value(line), read, "{line}");
        }
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_never_repeated() {
        let text = "# fine\n\nhunter2\nA='hunter2\nB=\"hunter2\\\"\nC='x'hunter2\nhunter 2=x\nD=1\nD=hunter2\n";
        let file = EnvFile::parse("almanac.env", text);
        let said: Vec<String> = file.problems.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 6);
        for (problem, line) in said.iter().zip([3, 4, 5, 6, 7, 9]) {
            assert!(problem.ends_with(&format!("(almanac.env:{line})")), "{problem}");
            assert!(!problem.contains("hunter"), "{problem}");
        }
        assert!(!format!("{file:?}").contains("hunter2"));
    }
}
