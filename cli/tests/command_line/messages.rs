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
    assert_snapshot!(refused(&machine, &CYCLE).await, @r#"
    2: almanac: 6 settings are wrong or missing
      EMAIL_FROM_ADRESS: is not a setting: did you mean EMAIL_FROM_ADDRESS? (environment)
      DATABASE_URL: it names no database; expected sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE (environment)
      SCHEDULER_TIMEZONE: "Mars/Base" is not a time zone; expected a name of the IANA time zone database, such as Europe/Paris (environment)
      SCHEDULER_MONTHLY_JOB_DAY: "31" is above 28; expected a whole number from 1 to 28 (environment)
      EMAIL_TRANSPORTS: mail provider "smpt://…@mail.example": expected dir:PATH, null:, smtp://HOST:PORT, smtps://HOST:PORT, ses: or ses+http://HOST:PORT; expected a comma-separated list of dir:PATH, null:, smtp://HOST:PORT, ses:, ses+http://HOST:PORT (environment)
      APP_BASE_URL: it has no scheme; expected an https URL (http only for this machine itself), such as https://app.example.org (environment)
    "#);
}

#[tokio::test]
async fn real_mail_needs_to_know_who_writes_and_where_links_lead() {
    let machine = Machine::bare().set("EMAIL_TRANSPORTS", "smtp://127.0.0.1:25");
    assert_snapshot!(refused(&machine, &CYCLE).await, @r"
    2: almanac: 2 settings are wrong or missing
      EMAIL_FROM_ADDRESS: missing (EMAIL_TRANSPORTS reaches real people); expected a bare e-mail address, such as invitations@example.org
      APP_BASE_URL: missing (EMAIL_TRANSPORTS reaches real people); expected an https URL (http only for this machine itself), such as https://app.example.org
    ");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    // Port 9 is discard's; nobody listens there on any machine that runs tests.
    let machine = Machine::bare().set("DATABASE_URL", "mysql://ada:hunter2@127.0.0.1:9/almanac");
    fs::create_dir(machine.home()).expect("a home");
    assert_snapshot!(refused(&machine, &CYCLE).await, @"1: almanac: opening the records at mysql://ada:****@127.0.0.1:9/almanac: database: error communicating with database: Connection refused (os error 111)");
    assert_snapshot!(refused(&machine, &["runs"]).await, @"1: almanac: opening the records at mysql://ada:****@127.0.0.1:9/almanac: database: error communicating with database: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    // What lies below a file cannot be made, whoever asks.
    let machine = Machine::bare();
    fs::write(machine.home(), "").expect("a file");
    assert_snapshot!(refused(&machine, &CYCLE).await, @"1: almanac: making the folder <folder>/home: File exists (os error 17)");

    let machine = Machine::bare();
    fs::write(machine.folder().join("file"), "").expect("a file");
    let below = format!("sqlite:{}/file/below/almanac.db", machine.folder().display());
    fs::create_dir(machine.home()).expect("a home");
    let machine = machine.set("DATABASE_URL", below);
    assert_snapshot!(refused(&machine, &CYCLE).await, @"1: almanac: making the folder <folder>/file/below: Not a directory (os error 20)");
}

#[tokio::test]
async fn a_mail_folder_that_cannot_be_made_is_named_and_opens_no_run() {
    let machine = Machine::bare();
    fs::write(machine.folder().join("file"), "").expect("a file");
    let below = format!("dir:{}/file/below", machine.folder().display());
    let machine = machine.set("EMAIL_TRANSPORTS", below);
    let ending = machine.run(&CYCLE).await;
    assert_snapshot!(format!("{}: {}", ending.code, tidy(&machine, &ending.err)), @"1: almanac: opening a mail provider: the mail folder <folder>/file/below cannot be written: Not a directory (os error 20)");
    assert_eq!(machine.run(&["runs", "--json"]).await.out, "");
}

#[tokio::test]
async fn what_is_typed_wrong_is_told_from_what_cannot_be_done() {
    let machine = Machine::bare();
    assert_snapshot!(refused(&machine, &["run", "reminder"]).await, @r#"2: almanac: there is no job "reminder" that can be run: there are monthly-invitations, reminders, cleanup, git-monitor, deployment-monitor, event-search, archive-search, auth-performance, ticket-booking, cost-tracking, judge-score"#);
    assert_snapshot!(refused(&machine, &["runn"]).await, @r"
    2: error: unrecognized subcommand 'runn'

      tip: some similar subcommands exist: 'runs', 'run'

    Usage: almanac [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(refused(&machine, &["run", "monthly-invitations", "--at", "tomorrow"]).await, @r#"2: almanac: --at "tomorrow" is not a time: expected one such as 2026-11-05T18:00"#);
    assert_snapshot!(refused(&machine, &["run", "monthly-invitations", "--at", "2026-03-29T02:30"]).await, @"2: almanac: --at 2026-03-29T02:30 does not exist in Europe/Paris: the clocks go forward over it");
    assert_snapshot!(refused(&machine, &["why", "no one"]).await, @"2: almanac: expected an e-mail address or a contact's number: not an e-mail address: Missing domain or user");
    for arguments in [&["runs"][..], &["runs", "show", "1"], &["why", "7"], &["pause", "1"]] {
        let said = refused(&machine, arguments).await;
        insta::allow_duplicates!(
            assert_snapshot!(said, @"1: almanac: there are no records at <folder>/home/almanac.db yet: `almanac import` or `almanac demo` makes them")
        );
    }
    assert_eq!(machine.run(&["demo", "--people-only", "--users", "1", "--contacts", "1"]).await.code, 0);
    assert_snapshot!(refused(&machine, &["why", "nobody@example.org"]).await, @"1: almanac: nobody knows this person: no contact has that address or number");
    assert_snapshot!(refused(&machine, &["pause", "7"]).await, @"1: almanac: there is no run 7; `almanac runs` lists them");
    assert_snapshot!(refused(&machine, &["runs", "show", "7"]).await, @"1: almanac: there is no run 7; `almanac runs` lists them");
    assert_snapshot!(refused(&machine, &["import", "users.csv", "contacts.csv"]).await, @"1: almanac: opening users.csv: No such file or directory (os error 2)");
}

#[tokio::test]
async fn records_that_are_typed_win_over_the_secret_of_the_environment_and_of_the_file() {
    let machine = Machine::bare().set("DATABASE_HOST", "proxy");
    let secret = "arn:aws:ssm:eu-west-3:123456789012:parameter/almanac";
    machine.write_settings(&format!("DATABASE_SECRET={secret}\nDATABASE_NAME=almanac\n"));
    let migrated = machine.run(&["migrate", "--records", "sqlite:typed.db", "--json"]).await.json_of(0);
    assert!(migrated["version"].as_i64() > Some(0), "{migrated}");
    assert!(machine.folder().join("typed.db").is_file());
}

#[tokio::test]
async fn what_is_typed_wins_over_the_environment_that_over_the_file_and_the_file_over_what_a_bench_assumes() {
    let machine = Machine::bare().set("SCHEDULER_MAX_WORKERS", "2").set("EMAIL_TRANSPORTS", "dir:mail");
    machine.write_settings("SCHEDULER_MAX_WORKERS=3\nEMAIL_FROM_ADDRESS=team@example.org\n");
    let bench = ["bench", "--users", "1", "--contacts", "1"];
    assert_eq!(machine.run(&bench).await.json_of(0)["workers"], 2);
    assert_eq!(machine.run(&[&bench[..], &["--workers", "1"]].concat()).await.json_of(0)["workers"], 1);
    let letters = fs::read_dir(machine.folder().join("mail")).expect("letters");
    for letter in letters {
        let letter = fs::read_to_string(letter.expect("a letter").path()).expect("ASCII");
        assert!(letter.contains("team@example.org"), "{letter}");
    }
}

#[tokio::test]
async fn a_reader_who_goes_away_is_no_error_worth_a_word() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = Machine::bare().almanac(&["config"]).stdout(writer).stderr(std::process::Stdio::piped()).spawn();
    let ending = child.expect("the binary starts").wait_with_output().expect("it ends");
    assert_eq!((ending.status.code(), String::from_utf8_lossy(&ending.stderr).as_ref()), (Some(141), ""));
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_ends_no_run() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let machine = Machine::bare().set("EMAIL_TRANSPORTS", "null:").set("RUST_LOG", "info");
    let demo = ["demo", "--users", "3", "--contacts", "2", "--json"];
    let child = machine.almanac(&demo).stdout(std::process::Stdio::piped()).stderr(writer).spawn();
    let ending = child.expect("the binary starts").wait_with_output().expect("it ends");
    let out = String::from_utf8_lossy(&ending.stdout);
    assert!(ending.status.code() == Some(0) && out.contains(r#""balanced":true"#), "{:?} {out}", ending.status);
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
