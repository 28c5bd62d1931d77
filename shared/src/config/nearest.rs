//! The known name that a mistyped one most likely meant.

/// Below this likeness a suggestion would mislead more than help.
const ALIKE: f64 = 0.6;

/// The candidate most like `name`, when one is like enough to be worth suggesting.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_the_name_that_was_meant() {
        assert_eq!(nearest("send_dya", ["email", "send_day", "send"]), Some("send_day"));
    }

    #[test]
    fn a_name_like_none_gets_no_suggestion() {
        assert_eq!(nearest("colour", ["email", "send_day"]), None);
    }
}
