//! Causes as a report shows them.

/// The longest cause, in characters.
const LONGEST: usize = 300;

/// `cause` on one line, cut where it is very long, and without anything that looks like an e-mail address: causes are
/// written without any, and a report is kept for years.
pub(super) fn mask(cause: &str) -> String {
    let words: Vec<_> = cause.split_whitespace().map(|word| if word.contains('@') { "…" } else { word }).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "no cause was given".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_cause_is_shown_on_one_short_line_without_addresses() {
        assert_eq!(mask("550 5.1.1 <ada@example.org>: unknown"), "550 5.1.1 … unknown");
        assert_eq!(mask("timed out\n  after 60 s"), "timed out after 60 s");
        assert_eq!(mask(" "), "no cause was given");
        assert_eq!(mask(&"é".repeat(301)), format!("{}…", "é".repeat(300)));
    }
}
