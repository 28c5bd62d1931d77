//! Words on their way into JSON that is written by hand because it is written a hundred thousand times.

use std::borrow::Cow;

/// `text` as it stands between the quotes of a JSON text: itself, where nothing in it needs escaping.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |&byte: &u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Not `all`, which stops at the first: without a way out the compiler compares many bytes at a time.
    if text.as_bytes().iter().fold(true, |plain, byte| plain & is_plain(byte)) {
        return Cow::Borrowed(text);
    }
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    Cow::Owned(quoted[1..quoted.len() - 1].to_owned())
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_reader_finds_the_text_that_was_written(text in "(.|\n|\"|\\\\|\u{0}|\u{7f}|é|🦀){0,60}") {
            let read: String = serde_json::from_str(&format!("\"{}\"", escaped(&text))).expect("JSON");
            prop_assert_eq!(read, text);
        }
    }
}
