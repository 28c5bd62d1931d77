//! Bounces of a mailbox are taken in, a person's story tells of them, and a person can decide otherwise.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tests::{
    databases::TestDatabase,
    provider_feedback::postfix_bounce,
    smtp_sink::{Behaviour, SmtpSink},
};

use crate::support::{
    machine::Machine,
    people::{self, CYCLE},
    query,
};

/// The headers of a letter.
fn headers(letter: &[u8]) -> String {
    let letter = String::from_utf8_lossy(letter);
    letter.split_once("\r\n\r\n").expect("headers and a body").0.to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn bounces_of_a_mailbox_are_taken_in_once_and_settle_what_was_in_doubt() {
    let database = TestDatabase::sqlite().await;
    let records = database.records().clone();
    people::make_up(&records, 1).await;
    // Of every third letter the reply is lost.
    let sink = SmtpSink::with_script(|number, _| match number % 3 {
        0 => Behaviour::AcceptAndDrop,
        _ => Behaviour::Accept,
    });
    let sink = sink.await.expect("a free port");
    let machine = Machine::with_records(database.url()).sending(format!("smtp://{}", sink.address()));
    let run = machine.run(&CYCLE).await.json_of(0);
    let in_doubt = run["in_doubt"].as_u64().expect("a number");
    assert!(in_doubt > 0, "{run}");

    let letters = sink.messages();
    let mailbox = machine.folder().join("Maildir");
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(mailbox.join(folder)).expect("a folder");
    }
    for (number, letter) in letters.iter().enumerate() {
        let (status, folder) = if number % 2 == 0 { ("5.1.1", "new") } else { ("4.2.2", "cur") };
        let bounce = postfix_bounce("failed", status, "text/rfc822-headers", &headers(letter));
        fs::write(mailbox.join(folder).join(format!("{number:03}")), bounce).expect("written");
    }
    fs::write(mailbox.join("new/reply"), "Subject: Re: Thank you\r\n\r\nSee you!\r\n").expect("written");
    fs::write(mailbox.join("tmp/half"), "Subj").expect("written");

    let folder = mailbox.display().to_string();
    let kept = machine.run(&["feedback", &folder, "--keep", "--json"]).await.json_of(0);
    let (good, now) = (letters.len().div_ceil(2), letters.len() / 2);
    assert_eq!(kept["news"], json!({"bounced for good": good, "bounced for now": now}));
    assert_eq!(kept["left"], json!({"no report about a letter": 1}));
    let left = "SELECT COUNT(*) FROM invitations WHERE send_state = 4";
    assert_eq!(query::number(&records, left).await, 0, "none is in doubt any more");
    assert_eq!(query::number(&records, "SELECT COUNT(*) FROM suppressions").await, good as u64);
    let shown = machine.run(&["runs", "show", "1"]).await.out;
    let since = format!("What was heard since then makes it sent {}, failed 0, in doubt 0.", letters.len());
    assert!(shown.contains(&since) && !shown.contains("In doubt (handed"), "{shown}");

    let again = machine.run(&["feedback", &folder]).await;
    let known =
        format!("{} files: 0 said something new of a letter, {} what was known", letters.len() + 1, letters.len());
    assert!(again.out.contains(&known), "{again:?}");
    assert_eq!(names(&mailbox.join("taken")).len(), letters.len());
    assert_eq!((names(&mailbox.join("new")), names(&mailbox.join("cur"))), (vec!["reply".to_owned()], Vec::new()));
    assert_eq!(names(&mailbox.join("tmp")), ["half"], "somebody is writing it");
    let rest = machine.run(&["feedback", &folder, "--json"]).await.json_of(0);
    assert_eq!(rest["read"], 1, "the reply");

    // A mailbox gives a name again that it gave before.
    let bounce = postfix_bounce("failed", "5.1.1", "text/rfc822-headers", &headers(&letters[0]));
    fs::write(mailbox.join("new/000"), bounce).expect("written");
    machine.run(&["feedback", &folder]).await;
    assert_eq!(names(&mailbox.join("taken")).len(), letters.len() + 1, "nothing is overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_s_story_tells_what_was_said_and_a_contact_can_be_restored() {
    let database = TestDatabase::sqlite().await;
    let records = database.records().clone();
    people::make_up(&records, 1).await;
    let sink = SmtpSink::start().await.expect("a free port");
    let machine = Machine::with_records(database.url()).sending(format!("smtp://{}", sink.address()));
    machine.run(&CYCLE).await.json_of(0);
    let letter = headers(&sink.messages()[0]);
    let mailbox = machine.folder().join("bounces");
    fs::create_dir(&mailbox).expect("a folder");
    let bounce = postfix_bounce("failed", "5.1.1", "text/rfc822-headers", &letter);
    fs::write(mailbox.join("1.eml"), bounce).expect("written");
    machine.run(&["feedback", &mailbox.display().to_string()]).await;

    let bounced = query::number(&records, "SELECT id FROM contacts WHERE bounce_count = 1").await.to_string();
    let story = machine.run(&["why", &bounced, "--json"]).await.json_of(0);
    let remark = &story["months"][0]["feedback"][0];
    assert_eq!((&remark["said"], &remark["code"]), (&json!("bounced for good"), &json!("5.1.1")));
    let told = machine.run(&["why", &bounced]).await.out;
    for words in
        ["its e-mail status is bounced_permanent", "its address is suppressed: bounce", "sent (status bounced)"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(told.contains("    bounced for good (5.1.1) "), "{told}");

    let restored = machine.run(&["contact", "restore", &bounced, "--json"]).await.json_of(0);
    assert_eq!(restored["restored"], Value::Bool(true));
    assert!(machine.run(&["why", &bounced]).await.out.contains("may be written to"));
    let nobody = machine.run(&["contact", "restore", "999999"]).await;
    assert!(nobody.code == 1 && nobody.err.contains("there is no contact 999999"), "{nobody:?}");
}
