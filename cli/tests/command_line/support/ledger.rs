//! What a run's one line of JSON must say.

use serde_json::Value;
use tests::smtp_sink::SmtpSink;

/// A number of the ledger.
pub fn number(ledger: &Value, name: &str) -> u64 {
    ledger[name].as_u64().unwrap_or_else(|| panic!("{name} is no number in {ledger}"))
}

/// All that was skipped, for whatever reason.
pub fn skipped(ledger: &Value) -> u64 {
    ledger["skipped"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum()
}

/// Everything planned has one outcome, and nothing failed.
pub fn is_balanced(ledger: &Value) {
    let number = |name| number(ledger, name);
    assert_eq!(ledger["balanced"], true, "{ledger}");
    assert_eq!(number("failed"), 0, "{ledger}");
    assert_eq!(number("planned") - skipped(ledger), number("sent") + number("in_doubt") + number("failed"), "{ledger}");
}

/// Nothing is doubled, whatever is called sent has arrived, and nothing has arrived that is not at least in doubt.
pub fn tells_what_arrived(ledger: &Value, sink: &SmtpSink) {
    let (sent, in_doubt, received) =
        (number(ledger, "sent"), number(ledger, "in_doubt"), sink.tally().received() as u64);
    assert_eq!(sink.tally().duplicates(), 0, "{ledger} {}", sink.tally());
    assert!(sent <= received && received <= sent + in_doubt, "{ledger} {}", sink.tally());
}
