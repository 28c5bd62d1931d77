//! What is said about mistakes: a clear line each, an exit code, and nothing written.

use std::fs;

use insta::assert_snapshot;

use crate::support::{machine::Machine, people::CYCLE, process::Ending, tidy::tidy};

/// Runs a command that is a mistake; gives its exit code and what it says.
async fn refused(machine: &Machine, arguments: &[&str]) -> String {
    let before = listing(machine);
    let Ending { code, out, err } = machine.run(arguments).await;
    assert_eq!(out, "", "a mistake has no result");
    assert_eq!(listing(machine), before, "a mistake writes nothing");
    format!("{code}: {}", tidy(machine, &err))
}

fn listing(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(machine.folder()).expect("the folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_wrong_setting_is_named_at_once_and_without_secrets() {
    let machine = Machine::bare()
        .set("SCHEDULER_MONTHLY_JOB_DAY", "31")
        .set("SCHEDULER_TIMEZONE", "Mars/Base")
        .set("EMAIL_FROM_ADRESS", "invitations@almanac.example")
        .set("EMAIL_TRANSPORTS", "smpt://ada:hunter2@mail.example")
        .set("APP_BASE_URL", "nowhere")
        .set("DATABASE_URL", "mysql://ada:hunter2@127.0.0.1");
    assert_snapshot!(refused(&machine, &CYCLE).await, @"");
}

#[tokio::test]
async fn real_mail_needs_to_know_who_writes_and_where_links_lead() {
    let machine = Machine::bare().set("EMAIL_TRANSPORTS", "smtp://127.0.0.1:25");
    assert_snapshot!(refused(&machine, &CYCLE).await, @"");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    // Port 9 is discard's; nobody listens there on any machine that runs tests.
    let machine = Machine::bare().set("DATABASE_URL", "mysql://ada:hunter2@127.0.0.1:9/almanac");
    machine.run(&["config"]).await;
    fs::create_dir(machine.home()).expect("a home");
    assert_snapshot!(refused(&machine, &CYCLE).await, @"");
    assert_snapshot!(refused(&machine, &["runs"]).await, @"");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    // What lies below a file cannot be made, whoever asks.
    let machine = Machine::bare();
    fs::write(machine.home(), "").expect("a file");
    assert_snapshot!(refused(&machine, &CYCLE).await, @"");

    let machine = Machine::bare();
    fs::write(machine.folder().join("file"), "").expect("a file");
    let below = format!("sqlite:{}/file/below/almanac.db", machine.folder().display());
    fs::create_dir(machine.home()).expect("a home");
    let machine = machine.set("DATABASE_URL", below);
    assert_snapshot!(refused(&machine, &CYCLE).await, @"");
}

#[tokio::test]
async fn a_mail_folder_that_cannot_be_made_is_named_and_opens_no_run() {
    let machine = Machine::bare();
    fs::write(machine.folder().join("file"), "").expect("a file");
    let below = format!("dir:{}/file/below", machine.folder().display());
    let machine = machine.set("EMAIL_TRANSPORTS", below);
    let ending = machine.run(&CYCLE).await;
    assert_snapshot!(format!("{}: {}", ending.code, tidy(&machine, &ending.err)), @"");
    assert_eq!(machine.run(&["runs", "--json"]).await.out, "");
}

#[tokio::test]
async fn what_is_typed_wrong_is_told_from_what_cannot_be_done() {
    let machine = Machine::bare();
    assert_snapshot!(refused(&machine, &["run", "reminder"]).await, @"");
    assert_snapshot!(refused(&machine, &["runn"]).await, @"");
    assert_snapshot!(refused(&machine, &["run", "monthly-invitations", "--at", "tomorrow"]).await, @"");
    assert_snapshot!(refused(&machine, &["run", "monthly-invitations", "--at", "2026-03-29T02:30"]).await, @"");
    assert_snapshot!(refused(&machine, &["why", "no one"]).await, @"");
    // These look into the records, which the first one makes.
    machine.run(&["runs"]).await;
    assert_snapshot!(refused(&machine, &["why", "nobody@example.org"]).await, @"");
    assert_snapshot!(refused(&machine, &["pause", "7"]).await, @"");
    assert_snapshot!(refused(&machine, &["runs", "show", "7"]).await, @"");
    assert_snapshot!(refused(&machine, &["import", "users.csv", "contacts.csv"]).await, @"");
}

#[tokio::test]
async fn the_settings_are_listed_with_their_secrets_masked() {
    let machine = Machine::bare()
        .set("DATABASE_URL", "mysql://ada:hunter2@127.0.0.1:3306/almanac")
        .sending("smtp://ada:hunter3@127.0.0.1:25".to_owned());
    for arguments in [&["config"][..], &["config", "--json"]] {
        let Ending { code, out, err } = machine.run(arguments).await;
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(!out.contains("hunter"), "{out}");
        assert!(out.contains("mysql://ada:****@127.0.0.1:3306/almanac"), "{out}");
        assert!(out.contains("https://almanac.example"), "{out}");
    }
    assert_eq!(listing(&machine), Vec::<String>::new(), "a look changes nothing");
}
