//! The ids by which load tests are known, and which of them count: of each tier the latest run.

use std::{cmp::Reverse, collections::BTreeMap, fmt, str::FromStr};

/// How the ids of a criterion's tests are made: literal text, and places for a team's slug, a number of users, a run, and
/// anything else without a hyphen.
///
/// `{slug}-events-{users}-events-{run}` makes `red-events-1000-events-3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Slug,
    Users,
    Any,
    Run,
}

/// A text that is no pattern of ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; expected a text such as {{slug}}-events-{{users}}-events-{{run}}, with {{slug}} and {{run}} once each")]
pub struct InvalidPattern(String);

/// The id of a load test, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestId {
    /// The whole id.
    pub id: String,
    /// How many users it played; none where its pattern does not say.
    pub users: Option<u64>,
    /// The number of the run.
    pub run: u64,
}

impl IdPattern {
    /// A regular expression, as Prometheus reads it, of the ids of a team's tests. It is anchored there by itself.
    pub fn regex_of(&self, slug: &str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => escaped(text),
            Part::Slug => escaped(slug),
            Part::Users | Part::Run => "[0-9]+".to_owned(),
            Part::Any => "[^-]+".to_owned(),
        };
        self.0.iter().map(part).collect()
    }

    /// Whether an id says how many users were played.
    pub fn says_users(&self) -> bool {
        self.0.contains(&Part::Users)
    }

    /// Takes an id of a team's apart; `None` where it is none of it, or has a number beyond 64 bits.
    pub fn read(&self, slug: &str, id: &str) -> Option<TestId> {
        let (mut rest, mut users, mut run) = (id, None, None);
        for part in &self.0 {
            rest = match part {
                Part::Text(text) => rest.strip_prefix(text.as_str())?,
                Part::Slug => rest.strip_prefix(slug)?,
                Part::Any => split(rest, |c| c != '-')?.1,
                Part::Users => {
                    let (digits, after) = split(rest, |c| c.is_ascii_digit())?;
                    users = Some(digits.parse().ok()?);
                    after
                }
                Part::Run => {
                    let (digits, after) = split(rest, |c| c.is_ascii_digit())?;
                    run = Some(digits.parse().ok()?);
                    after
                }
            };
        }
        rest.is_empty().then_some(TestId { id: id.to_owned(), users, run: run? })
    }

    /// Of a team's tests among these ids the latest of each tier, by its number of users: run 10 is later than run 9.
    pub fn latest(&self, slug: &str, ids: &[String]) -> Vec<TestId> {
        let mut latest: BTreeMap<Option<u64>, TestId> = BTreeMap::new();
        for test in ids.iter().filter_map(|id| self.read(slug, id)) {
            let known = latest.entry(test.users).or_insert_with(|| test.clone());
            // Of two with one number the choice must not depend on their order.
            if (known.run, Reverse(&known.id)) < (test.run, Reverse(&test.id)) {
                *known = test;
            }
        }
        latest.into_values().collect()
    }
}

/// The longest beginning of such characters, at least one, and what follows.
fn split(text: &str, of: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !of(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A text as a regular expression of RE2 that matches itself and nothing else.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl FromStr for IdPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (name, after) =
                after.split_once('}').ok_or_else(|| InvalidPattern(format!("{text:?} has a {{ without its }}")))?;
            parts.push(match name {
                "slug" => Part::Slug,
                "users" => Part::Users,
                "any" => Part::Any,
                "run" => Part::Run,
                other => return Err(InvalidPattern(format!("there is no place {{{other}}}"))),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let count = |wanted: &Part| parts.iter().filter(|part| *part == wanted).count();
        if count(&Part::Slug) != 1 || count(&Part::Run) != 1 || count(&Part::Users) > 1 {
            return Err(InvalidPattern(format!("{text:?} does not have each place once")));
        }
        let apart = |pair: &[Part]| matches!(pair, [Part::Text(_), _] | [_, Part::Text(_)]);
        if !parts.windows(2).all(apart) {
            return Err(InvalidPattern(format!("{text:?} has two places with nothing between them")));
        }
        Ok(Self(parts))
    }
}

impl<'de> serde::Deserialize<'de> for IdPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for IdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Slug => f.write_str("{slug}"),
            Part::Users => f.write_str("{users}"),
            Part::Any => f.write_str("{any}"),
            Part::Run => f.write_str("{run}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: &str = "{slug}-events-{users}-events-{run}";
    const ARCHIVE: &str = "{slug}-archive-{users}-{any}-{run}";
    const BOOKING: &str = "{slug}-booking-{run}";

    fn pattern(text: &str) -> IdPattern {
        text.parse().expect(text)
    }

    fn latest(text: &str, slug: &str, ids: &[&str]) -> Vec<String> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        pattern(text).latest(slug, &ids).into_iter().map(|test| test.id).collect()
    }

    #[test]
    fn run_ten_is_later_than_run_nine_in_each_tier_by_itself() {
        let ids = ["red-events-1000-events-9", "red-events-1000-events-10", "red-events-5000-events-9"];
        assert_eq!(latest(EVENTS, "red", &ids), ["red-events-1000-events-10", "red-events-5000-events-9"]);
        assert_eq!(latest(BOOKING, "red", &["red-booking-10", "red-booking-9", "red-booking-09"]), ["red-booking-10"]);
    }

    #[test]
    fn of_two_ids_with_one_run_the_same_is_taken_in_whatever_order() {
        for ids in [["red-archive-1000-a-7", "red-archive-1000-b-7"], ["red-archive-1000-b-7", "red-archive-1000-a-7"]]
        {
            assert_eq!(latest(ARCHIVE, "red", &ids), ["red-archive-1000-a-7"]);
        }
    }

    #[test]
    fn a_team_has_its_own_tests_only() {
        for other in [
            "redder-events-1000-events-1",
            "red-events-1000-events-1x",
            "red-events-1000-events-",
            "red-events-x-events-1",
            "infrared-events-1000-events-1",
            "red-2-events-1000-events-1",
            "red-events-1000-events-99999999999999999999999",
            "",
        ] {
            assert_eq!(latest(EVENTS, "red", &[other]), Vec::<String>::new(), "{other}");
        }
        assert_eq!(latest(ARCHIVE, "red", &["red-archive-5-archive-1000-x-3"]), Vec::<String>::new());
    }

    #[test]
    fn a_slug_with_characters_of_a_regular_expression_stands_for_itself() {
        let events = pattern(EVENTS);
        assert_eq!(events.regex_of("a.b+(c)|d"), r"a\.b\+\(c\)\|d-events-[0-9]+-events-[0-9]+");
        assert_eq!(
            latest(EVENTS, "a.b", &["aXb-events-1-events-1", "a.b-events-1-events-1"]),
            ["a.b-events-1-events-1"]
        );
        assert_eq!(pattern(ARCHIVE).regex_of("red"), "red-archive-[0-9]+-[^-]+-[0-9]+");
    }

    #[test]
    fn what_is_no_pattern_is_refused_by_its_fault() {
        for (text, said) in [
            ("events", "does not have each place once"),
            ("{slug}-{run}-{run}", "does not have each place once"),
            ("{slug}{run}", "nothing between"),
            ("{slug}-{day}-{run}", "there is no place {day}"),
            ("{slug-{run}", "there is no place {slug-{run}"),
            ("{slug}-{run", "without its }"),
        ] {
            let wrong = text.parse::<IdPattern>().expect_err(text).to_string();
            assert!(wrong.contains(said), "{wrong}");
        }
        assert_eq!(pattern(ARCHIVE).to_string(), ARCHIVE);
    }

    proptest! {
        #[test]
        fn an_id_that_is_made_is_read_back(slug in "[a-z.+$-]{1,12}", users in any::<u64>(), run in any::<u64>()) {
            let id = format!("{slug}-events-{users}-events-{run}");
            let read = pattern(EVENTS).read(&slug, &id);
            prop_assert_eq!(read, Some(TestId { id, users: Some(users), run }));
        }

        #[test]
        fn nothing_that_stands_in_an_id_stops_the_reader(slug in ".{0,12}", id in ".{0,40}") {
            for text in [EVENTS, ARCHIVE, BOOKING] {
                let _ = pattern(text).read(&slug, &id);
            }
        }
    }
}
