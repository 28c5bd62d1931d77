//! The first thing that a newcomer does.

use std::{collections::BTreeSet, fs, path::Path};

use mail_parser::MessageParser;

use crate::support::{ledger, machine::Machine};

const DEMO: [&str; 4] = ["demo", "--users", "300", "--json"];

#[tokio::test]
async fn the_demo_writes_a_letter_for_everybody_who_may_be_written_to_and_a_second_one_changes_nothing() {
    let machine = Machine::bare();
    let ledger = machine.run(&DEMO).await.json_of(0);
    ledger::is_balanced(&ledger);
    assert_eq!(ledger["in_doubt"], 0);
    let letters = letters(&machine.home().join("mail"));
    println!("{ledger}; {} letters", letters.len());
    assert_eq!(letters.len() as u64, ledger::number(&ledger, "sent"));

    let key = ledger["key"].as_str().expect("a key").replace('/', "-");
    let reports = machine.home().join("objects/reports/monthly-invitations").join(key);
    let html = fs::read_to_string(reports.join("run-1.html")).expect("a page");
    assert!(html.starts_with("<!DOCTYPE html>"), "{}", &html[..40]);
    let report = fs::read_to_string(reports.join("run-1.json")).expect("facts");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["ledger"]["sent"], ledger["sent"]);

    assert_eq!(machine.run(&DEMO).await.json_of(0), ledger);
    assert_eq!(self::letters(&machine.home().join("mail")), letters);
}

/// The invitations that a folder's letters are; each letter must be whole, and the only one of its invitation.
fn letters(folder: &Path) -> BTreeSet<String> {
    let mut invitations = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a mail folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(path.extension().and_then(|extension| extension.to_str()), Some("eml"), "{}", path.display());
        let letter = fs::read(&path).expect("a letter");
        let message = MessageParser::default().parse(&letter).expect("a message");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("an addressee");
        assert!(to.contains('@') && message.body_text(0).is_some() && message.body_html(0).is_some());
        let invitation = message.header("X-Almanac-Invitation").and_then(|value| value.as_text());
        assert!(
            invitations.insert(invitation.expect("an invitation").to_owned()),
            "{} is a second one",
            path.display()
        );
    }
    invitations
}
