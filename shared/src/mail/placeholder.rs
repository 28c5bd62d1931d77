//! The placeholders of an invitation's templates, and how a value is made fit for each place it can stand in.

use std::borrow::Cow;

/// One name that a template may use as `{{name}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placeholder {
    /// The name between the braces.
    pub name: &'static str,
    /// Whether the value may hold any character, so that it must be escaped to stand in HTML. The other values are
    /// chosen by Almanac itself, and are the same in HTML and in text: codes, dates, and links below a base URL whose
    /// setting refuses what HTML would escape.
    pub free_text: bool,
    /// Whether the value may have line breaks. Such a placeholder cannot stand in a subject.
    pub many_lines: bool,
}

/// What an invitation's or a reminder's template may use, in the order of [`Letter::values`](super::Letter::values).
///
/// `greeting` is "Hello Ada", or "Hello" when the first name is not known, without the punctuation, which is the
/// template's. `custom_message` is empty or a paragraph with a line break before and after it: in a text part it stands
/// on a line of its own between two paragraphs, without blank lines around it. In HTML it stands in an element without
/// border, padding or margin, so that nothing shows when it is empty.
pub const INVITATION: [Placeholder; 7] = [
    one_line("greeting", true),
    one_line("sender_name", true),
    Placeholder { name: "custom_message", free_text: true, many_lines: true },
    one_line("link", false),
    one_line("short_code", false),
    one_line("expires_on", false),
    one_line("unsubscribe_url", false),
];

/// Where the value of `unsubscribe_url` stands, which is a header as well.
pub const UNSUBSCRIBE_URL: usize = 6;

const fn one_line(name: &'static str, free_text: bool) -> Placeholder {
    Placeholder { name, free_text, many_lines: false }
}

impl Placeholder {
    /// The value as plain text: without control characters, so that it cannot end a header or a line by surprise.
    pub(super) fn plain(self, raw: &str) -> Cow<'_, str> {
        let unwanted = |c: char| c.is_control() && !(self.many_lines && matches!(c, '\n' | '\t'));
        // Most values have no byte that a control character could have: 0 to 31, 127, or 0xC2 before 0x80 to 0x9F.
        let suspicious = |byte: u8| byte < b' ' || byte == 0x7f || byte == 0xc2;
        if raw.bytes().any(suspicious) && raw.contains(unwanted) {
            Cow::Owned(raw.replace(unwanted, ""))
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// Appends the value as HTML: escaped, with its line breaks as `<br>`, without those around it.
    pub(super) fn write_html(self, raw: &str, out: &mut String) {
        let plain = self.plain(raw);
        // Its own line breaks are there for the text part: in HTML the paragraph's style makes the distance.
        let mut rest = if self.many_lines { plain.trim() } else { &plain };
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\n']) {
            out.push_str(&rest[..at]);
            out.push_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\'' => "&#39;",
                _ => "<br>",
            });
            rest = &rest[at + 1..];
        }
        out.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::{INVITATION, Placeholder, UNSUBSCRIBE_URL};

    fn html(placeholder: Placeholder, raw: &str) -> String {
        let mut out = String::new();
        placeholder.write_html(raw, &mut out);
        out
    }

    #[test]
    fn the_header_s_value_is_the_one_of_that_name() {
        assert_eq!(INVITATION[UNSUBSCRIBE_URL].name, "unsubscribe_url");
    }

    #[test]
    fn no_value_can_add_a_line_where_one_line_is_meant() {
        let [greeting, _, custom_message, ..] = INVITATION;
        assert_eq!(greeting.plain("Ada\r\nBcc: x\u{0}\u{85}"), "AdaBcc: x");
        assert_eq!(custom_message.plain("one\r\ntwo\tthree\u{7}"), "one\ntwo\tthree");
    }

    #[test]
    fn html_shows_what_was_typed_and_keeps_its_lines() {
        let [greeting, _, custom_message, ..] = INVITATION;
        assert_eq!(html(greeting, r#"<Ada> & "O'Neil""#), "&lt;Ada&gt; &amp; &quot;O&#39;Neil&quot;");
        assert_eq!(html(custom_message, "\nHello 🦀\r\nworld\n"), "Hello 🦀<br>world");
        assert_eq!(html(custom_message, "\n"), "");
    }
}
