//! One part of a template (subject, text or HTML): split once into literals and placeholders, then only copied.

use super::placeholder::{INVITATION, Placeholder};

/// Where a part stands, which decides how values are written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Subject,
    Text,
    Html,
}

/// A part, ready to be filled.
#[derive(Debug)]
pub(super) struct Part {
    format: Format,
    segments: Vec<Segment>,
    /// The bytes of all literals, the least that a filled part needs.
    literal_bytes: usize,
}

#[derive(Debug)]
enum Segment {
    Literal {
        text: String,
        /// The same in quoted-printable, so that a mail's constant text is encoded once and not for every mail.
        quoted: String,
    },
    /// A placeholder, by its place in the catalogue.
    Value(usize),
}

/// What is wrong in a part, and in which of its lines (from 1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PartError {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// Ends a quoted-printable line without ending the text's line. Pieces that were encoded apart are joined by it, because
/// no piece knows how long the line already is.
const SOFT_BREAK: &str = "=\r\n";

/// The standard allows 76; a leading dot that becomes `=2E` needs two more, and a soft break one.
const QUOTED_LINE: usize = 73;

impl Part {
    /// Splits `source`, or says what is wrong with it.
    pub(super) fn parse(format: Format, source: &str) -> Result<Self, PartError> {
        let mut segments = Vec::new();
        let mut rest = source;
        while let Some(at) = rest.find("{{") {
            let line = 1 + source[..source.len() - rest.len() + at].matches('\n').count();
            let problem = |problem: String| PartError { line, problem };
            let (literal, from_braces) = rest.split_at(at);
            if literal.ends_with('\\') {
                return Err(problem("a backslash before {{ means different things to different providers".to_owned()));
            }
            let inner = &from_braces[2..];
            let end = inner
                .find("}}")
                .filter(|&end| !inner[..end].contains('\n'))
                .ok_or_else(|| problem("expected }} on the same line as {{".to_owned()))?;
            let index = placeholder(&inner[..end]).map_err(problem)?;
            if format == Format::Subject && INVITATION[index].many_lines {
                return Err(problem(format!("{{{{{}}}}} may have several lines: not in a subject", &inner[..end])));
            }
            push_literal(&mut segments, literal);
            segments.push(Segment::Value(index));
            rest = &inner[end + 2..];
        }
        push_literal(&mut segments, rest);
        let literal_bytes = segments.iter().map(Segment::literal).map(str::len).sum();
        Ok(Self { format, segments, literal_bytes })
    }

    /// Whether the part uses the placeholder of that name.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.placeholders().any(|index| INVITATION[index].name == name)
    }

    /// The placeholders in the part, by their place in the catalogue.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = usize> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Value(index) => Some(*index),
            Segment::Literal { .. } => None,
        })
    }

    /// The part with `values` in place of its placeholders. One pass: braces in a value are just text.
    pub(super) fn fill(&self, values: &[String]) -> String {
        let mut out = String::with_capacity(self.literal_bytes + 512);
        for segment in &self.segments {
            match segment {
                Segment::Literal { text, .. } => out.push_str(text),
                Segment::Value(index) => self.write_value(*index, values, &mut out),
            }
        }
        out
    }

    /// Appends what [`Part::fill`] gives in quoted-printable with CRLF line ends. No line starts with a dot, so that
    /// SMTP has nothing to double.
    pub(super) fn write_quoted(&self, values: &[String], out: &mut String) {
        let (mut value, begin) = (String::new(), out.len());
        // A soft break stands between two texts, never at the end: nothing is to follow it then.
        let mut write = |quoted: &str| {
            if quoted.is_empty() {
                return;
            }
            if out.len() > begin {
                out.push_str(SOFT_BREAK);
            }
            out.push_str(quoted);
        };
        for segment in &self.segments {
            match segment {
                Segment::Literal { quoted, .. } => write(quoted),
                Segment::Value(index) => {
                    value.clear();
                    self.write_value(*index, values, &mut value);
                    write(&quote(&value));
                }
            }
        }
    }

    /// About how many bytes [`Part::write_quoted`] writes: the literals, and values of the usual length.
    pub(super) fn quoted_bytes(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal { quoted, .. } => quoted.len() + SOFT_BREAK.len(),
                Segment::Value(_) => 128,
            })
            .sum()
    }

    /// The part as SES's template language has it: the same text, but a free-text value in HTML has a key of its own,
    /// because SES escapes nothing.
    pub(super) fn ses(&self) -> String {
        let mut out = String::with_capacity(self.literal_bytes + 128);
        for segment in &self.segments {
            match segment {
                Segment::Literal { text, .. } => out.push_str(text),
                Segment::Value(index) => {
                    out.push_str("{{");
                    out.push_str(&ses_key(INVITATION[*index], self.format));
                    out.push_str("}}");
                }
            }
        }
        out
    }

    fn write_value(&self, index: usize, values: &[String], out: &mut String) {
        let raw = values.get(index).map_or("", String::as_str);
        match self.format {
            Format::Subject | Format::Text => out.push_str(&INVITATION[index].plain(raw)),
            Format::Html => INVITATION[index].write_html(raw, out),
        }
    }
}

impl Segment {
    fn literal(&self) -> &str {
        match self {
            Self::Literal { text, .. } => text,
            Self::Value(_) => "",
        }
    }
}

/// The key of a placeholder in SES's replacement data.
pub(super) fn ses_key(placeholder: Placeholder, format: Format) -> String {
    let suffix = if format == Format::Html && placeholder.free_text { "_html" } else { "" };
    format!("{}{suffix}", placeholder.name)
}

fn push_literal(segments: &mut Vec<Segment>, text: &str) {
    if !text.is_empty() {
        segments.push(Segment::Literal { text: text.to_owned(), quoted: quote(text) });
    }
}

/// The place of a placeholder in the catalogue, or what was expected instead of it.
fn placeholder(name: &str) -> Result<usize, String> {
    if name.starts_with('{') {
        return Err("triple braces are not needed: write {{name}}, values are escaped where they must be".to_owned());
    }
    if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        return Err(format!("only {{{{name}}}} is known, without blanks, conditions or helpers: found {{{{{name}}}}}"));
    }
    INVITATION.iter().position(|placeholder| placeholder.name == name).ok_or_else(|| unknown(name))
}

/// How alike two names must be for one to be suggested for the other (0 to 1).
const ALIKE: f64 = 0.8;

fn unknown(name: &str) -> String {
    let nearest = INVITATION
        .iter()
        .map(|placeholder| (strsim::jaro_winkler(name, placeholder.name), placeholder.name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((_, suggestion)) => format!("unknown placeholder {{{{{name}}}}}: did you mean {{{{{suggestion}}}}}?"),
        None => {
            let names: Vec<_> = INVITATION.iter().map(|placeholder| placeholder.name).collect();
            format!("unknown placeholder {{{{{name}}}}}: expected one of {}", names.join(", "))
        }
    }
}

/// The text in quoted-printable, with CRLF line ends, no line starting with a dot.
fn quote(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let quoted = quoted_printable::encode_with_options(
        lines,
        quoted_printable::Options::default().line_length_limit(QUOTED_LINE),
    );
    let quoted = quoted.replace("\r\n.", "\r\n=2E");
    match quoted.strip_prefix('.') {
        Some(rest) => format!("=2E{rest}"),
        None => quoted,
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Part, PartError};
    use proptest::prelude::*;

    fn problem(format: Format, source: &str) -> String {
        let PartError { line, problem } = Part::parse(format, source).expect_err("a wrong template");
        format!("line {line}: {problem}")
    }

    #[test]
    fn a_wrong_placeholder_is_answered_with_its_line_and_what_was_expected() {
        insta::assert_snapshot!(problem(Format::Text, "Hello\n{{sendr_name}}"), @"line 2: unknown placeholder {{sendr_name}}: did you mean {{sender_name}}?");
        insta::assert_snapshot!(problem(Format::Text, "{{x}}"), @"line 1: unknown placeholder {{x}}: expected one of greeting, sender_name, custom_message, link, short_code, expires_on, unsubscribe_url");
        insta::assert_snapshot!(problem(Format::Html, "{{{link}}}"), @"line 1: triple braces are not needed: write {{name}}, values are escaped where they must be");
        insta::assert_snapshot!(problem(Format::Html, "{{#if link}}"), @"line 1: only {{name}} is known, without blanks, conditions or helpers: found {{#if link}}");
        insta::assert_snapshot!(problem(Format::Html, "a\nb\n{{ link }}"), @"line 3: only {{name}} is known, without blanks, conditions or helpers: found {{ link }}");
        insta::assert_snapshot!(problem(Format::Html, "{{link\n}}"), @"line 1: expected }} on the same line as {{");
        insta::assert_snapshot!(problem(Format::Text, "\\{{link}}"), @"line 1: a backslash before {{ means different things to different providers");
        insta::assert_snapshot!(problem(Format::Subject, "{{custom_message}}"), @"line 1: {{custom_message}} may have several lines: not in a subject");
    }

    #[test]
    fn an_empty_value_at_the_end_leaves_no_soft_break_with_nothing_after_it() {
        let part =
            Part::parse(Format::Text, "{{custom_message}}{{custom_message}}\n{{custom_message}}").expect("well formed");
        let mut quoted = String::new();
        part.write_quoted(&vec![String::new(); 7], &mut quoted);
        assert_eq!(quoted, "\r\n");
    }

    #[test]
    fn a_value_is_never_expanded_again() {
        let part = Part::parse(Format::Text, "{{greeting}} {{link}}").expect("well formed");
        let mut values = vec![String::new(); 7];
        values[0] = "{{link}}".to_owned();
        values[3] = "{{greeting}}".to_owned();
        assert_eq!(part.fill(&values), "{{link}} {{greeting}}");
    }

    #[test]
    fn single_braces_are_just_text() {
        let source = "a { b: c } @media { p { d: e }}";
        assert_eq!(Part::parse(Format::Html, source).expect("well formed").fill(&[]), source);
    }

    proptest! {
        #[test]
        fn quoted_printable_says_the_same_as_the_filled_part(
            literals in prop::collection::vec("([ -\\[\\]-z]|\n|\\.|é|🦀){0,100}", 4),
            value in "(.|\n|\\.|=| ){0,200}",
        ) {
            let source = literals.join("{{custom_message}}");
            let part = Part::parse(Format::Text, &source).expect("well formed");
            let mut values = vec![String::new(); 7];
            values[2] = value;
            let mut quoted = String::new();
            part.write_quoted(&values, &mut quoted);

            for line in quoted.split("\r\n") {
                prop_assert!(line.is_ascii() && line.len() <= 76 && !line.starts_with('.'), "{line:?}");
            }
            let decoded = quoted_printable::decode(&quoted, quoted_printable::ParseMode::Strict).expect("decodes");
            let decoded = String::from_utf8(decoded).expect("UTF-8").replace("\r\n", "\n");
            prop_assert_eq!(decoded, part.fill(&values));
        }
    }
}
