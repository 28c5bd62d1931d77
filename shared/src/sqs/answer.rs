//! How an event-source mapping reads a function's answer to a batch of messages.

use serde_json::Value;

/// The places of the messages that failed, by Lambda's rules for a function's answer (AWS Lambda developer guide,
/// "Handling errors for an SQS event source"): an error (`None`), an answer that is not JSON or has a wrong key, and an
/// empty or unknown id all mean that the whole batch failed; no list, or an empty one, means that all succeeded.
///
/// `ids` are the messages' ids in their order, `answer` is what the function said.
pub fn failed(ids: &[impl AsRef<str>], answer: Option<&str>) -> Vec<usize> {
    let all = || (0..ids.len()).collect();
    let Some(listed) = answer.and_then(listed_ids) else { return all() };
    let place = |id: &String| ids.iter().position(|known| known.as_ref() == id);
    let places: Option<Vec<_>> = listed.iter().map(place).collect();
    let Some(mut places) = places else { return all() };
    places.sort_unstable();
    places.dedup();
    places
}

/// The ids that an answer lists; `None` when the answer breaks the rules.
fn listed_ids(answer: &str) -> Option<Vec<String>> {
    if answer.is_empty() {
        return Some(Vec::new());
    }
    let answer: Value = serde_json::from_str(answer).ok()?;
    let items = match &answer {
        Value::Null => return Some(Vec::new()),
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None if fields.is_empty() => return Some(Vec::new()),
            Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(items)) => items,
            _ => return None,
        },
        _ => return None,
    };
    items.iter().map(|item| item.get("itemIdentifier")?.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::failed;

    const IDS: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn listed_messages_failed_and_the_others_did_not() {
        let twice = r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#;
        assert_eq!(failed(&IDS, Some(twice)), [1, 2]);
        for all_well in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert!(failed(&IDS, Some(all_well)).is_empty(), "{all_well}");
        }
    }

    #[test]
    fn an_answer_that_breaks_the_rules_fails_the_whole_batch() {
        for wrong in [
            "oops",
            "[]",
            r#"{"batchItemFailure":[]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"d"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
        ] {
            assert_eq!(failed(&IDS, Some(wrong)), [0, 1, 2], "{wrong}");
        }
        assert_eq!(failed(&IDS, None), [0, 1, 2], "the function failed");
    }
}
