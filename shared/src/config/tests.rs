//! What the settings promise as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::mail::providers::Provider;

const NOTHING: [(&str, &str); 0] = [];

fn set(environment: &[(&str, &str)]) -> Values {
    Values::gather(environment.iter().copied(), None)
}

fn problems<G: Group>(values: &Values) -> Vec<String> {
    match values.read::<G>() {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

type Everything = ((EngineSettings, PlannerSettings, WorkerSettings), (KeeperSettings, ReminderSettings), Rest);
type Rest = (CleanupSettings, HealthSettings, DeliverySettings, (PriceSettings, AllMonitors));
type AllMonitors = (MonitorSettings, CostSettings, GitHubSettings, (LoadTestSettings, ProbeSettings));

#[test]
fn with_nothing_set_every_job_starts_with_the_defaults() {
    let (engine, planner, worker, keeper) =
        set(&[]).read::<(EngineSettings, PlannerSettings, WorkerSettings, KeeperSettings)>().expect("defaults");
    assert_eq!(engine.home, PathBuf::from(".almanac"));
    assert_eq!(engine.records, RecordsAt::Url(Database::Sqlite(PathBuf::from(".almanac/almanac.db"))));
    assert_eq!((engine.host, engine.max_workers), (Host::Machine, 4));
    let expected = PlannerSettings {
        timezone: chrono_tz::Europe::Paris,
        day: 5,
        hour: 18,
        batch_size: 50,
        deadline: chrono::TimeDelta::hours(4),
        when_in_doubt: crate::run::doubt::WhenInDoubt::NeverAgain,
    };
    assert_eq!(planner, expected);
    assert_eq!(worker.mail.transports, [Provider::Dir(PathBuf::from(".almanac/mail"))]);
    assert_eq!(worker.mail.from.address.as_str(), "invitations@almanac.example");
    assert_eq!(worker.mail.app_base_url.as_str(), "https://almanac.example");
    assert_eq!(worker.mail.rate.letters_per_second(), None);
    assert_eq!((worker.mail.email_batch_size, worker.invitation_batch_size, worker.expiration_days), (50, 100, 60));
    assert_eq!(worker.worker_timeout, Duration::from_secs(300));
    assert_eq!(keeper.max_job_duration, Duration::from_secs(3_600));
    let (reminders, cleanup, health) =
        set(&[]).read::<(ReminderSettings, CleanupSettings, HealthSettings)>().expect("defaults");
    assert_eq!((reminders.days.first, reminders.days.second), (3, 7));
    assert_eq!((cleanup.expired_retention_days, cleanup.metrics_retention_hours), (90, 72));
    assert_eq!((health.error_rate_threshold, health.memory_alert_threshold, health.max_memory_mb), (0.05, 0.8, 512));
    assert!(set(&[]).notices().is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let file = EnvFile::parse("f.env", "SCHEDULER_BATCH_SIZE=70\nSCHEDULER_MONTHLY_JOB_DAY=9\nALMANAC_HOME=there\n");
    let values = Values::gather([("SCHEDULER_BATCH_SIZE", "80"), ("ALMANAC_CONFIG", "f.env")], Some(file));
    let (engine, planner) = values.read::<(EngineSettings, PlannerSettings)>().expect("all fine");
    assert_eq!((planner.batch_size, planner.day, planner.hour), (80, 9, 18));
    assert_eq!(engine.records, RecordsAt::Url(Database::Sqlite(PathBuf::from("there/almanac.db"))));
    let listing = values.listing();
    let origin = |name| {
        let listed = listing.settings.iter().find(|listed| listed.name == name).expect("listed");
        listed.origin.to_string()
    };
    assert_eq!(origin("SCHEDULER_BATCH_SIZE"), "environment");
    assert_eq!(origin("SCHEDULER_MONTHLY_JOB_DAY"), "f.env:2");
    assert_eq!(origin("SCHEDULER_MONTHLY_JOB_HOUR"), "default");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_a_line_each() {
    let file = EnvFile::parse("f.env", "\nSCHEDULER_TIMEZONE=Europe/Pari\nEMAIL_FORM_NAME=Ada\nnonsense\n");
    let environment = [
        ("SCHEDULER_MONTHLY_JOB_DAY", "29"),
        ("SCHEDULER_MONTHLY_JOB_HOURS", "18"),
        ("DATABASE_URL", "mysql://app:hunter2@db"),
    ];
    let error = Values::gather(environment, Some(file)).read::<(EngineSettings, PlannerSettings)>().expect_err("wrong");
    let said = error.to_string();
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "6 settings are wrong or missing",
            "SCHEDULER_MONTHLY_JOB_HOURS: is not a setting: did you mean SCHEDULER_MONTHLY_JOB_HOUR? (environment)",
            "line: is not KEY=VALUE (f.env:4)",
            "EMAIL_FORM_NAME: is not a setting: did you mean EMAIL_FROM_NAME? (f.env:3)",
            "DATABASE_URL: it names no database; expected sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE \
             (environment)",
            "SCHEDULER_TIMEZONE: \"Europe/Pari\" is not a time zone (did you mean Europe/Paris?); expected a name of \
             the IANA time zone database, such as Europe/Paris (f.env:2)",
            "SCHEDULER_MONTHLY_JOB_DAY: \"29\" is above 28; expected a whole number from 1 to 28 (environment)",
        ]
    );
}

/// What stands around every function reads these.
type OfAll = (EngineSettings, MemorySettings);

#[test]
fn a_wrong_value_stops_exactly_the_functions_that_the_table_names() {
    // No kind takes a control character.
    let environment = |row: &dyn Row| [(row.about().name, "\u{1}")];
    for row in table::TABLE.iter().filter(|row| !row.about().environment_only) {
        let values = Values::gather(environment(*row), None);
        let stopped: Vec<&str> = [
            ("monthly-invitations", problems::<(OfAll, PlannerSettings, QueueSettings)>(&values)),
            ("invitation-worker", problems::<(OfAll, WorkerSettings)>(&values)),
            ("run-keeper", problems::<(OfAll, KeeperSettings, QueueSettings, DeliverySettings)>(&values)),
            ("dead-letters", problems::<OfAll>(&values)),
            ("delivery-feedback", problems::<OfAll>(&values)),
            ("migrate", problems::<EngineSettings>(&values)),
            ("reminders", problems::<(OfAll, ReminderSettings, QueueSettings)>(&values)),
            ("cleanup", problems::<(OfAll, CleanupSettings)>(&values)),
            ("unsubscribe", problems::<OfAll>(&values)),
            ("cost-tracking", problems::<(OfAll, MonitorSettings, CostSettings)>(&values)),
            ("git-monitor", problems::<(OfAll, MonitorSettings, PageSettings, GitHubSettings)>(&values)),
            ("performance-monitor", problems::<(OfAll, MonitorSettings, PageSettings, LoadTestSettings)>(&values)),
            ("deployment-monitor", problems::<(OfAll, MonitorSettings, PageSettings, ProbeSettings)>(&values)),
            ("health-check", problems::<(OfAll, HealthSettings)>(&values)),
            ("almanac", problems::<Everything>(&values)),
        ]
        .into_iter()
        .filter(|(_, problems)| !problems.is_empty())
        .map(|(function, _)| function)
        .collect();
        assert_eq!(stopped, row.about().read_by, "{}", row.about().name);
    }
}

#[test]
fn every_default_is_a_value_and_no_name_is_used_twice() {
    let mut names = BTreeMap::new();
    for row in table::TABLE {
        let about = row.about();
        assert!(!about.read_by.is_empty() && !about.doc.is_empty(), "{}", about.name);
        for name in [Some(about.name), about.former].into_iter().flatten() {
            assert!(names.insert(name, ()).is_none(), "{name}");
        }
        if let Some(former) = about.former {
            assert_eq!(about.name.strip_prefix("SCHEDULER_"), Some(former));
        }
    }
    let listing = set(&[]).listing();
    for listed in &listing.settings {
        assert_eq!((listed.problem.as_ref(), &listed.origin), (None, &Origin::Default), "{}", listed.name);
    }
}

#[test]
fn a_former_name_is_accepted_with_a_notice_that_names_the_new_one() {
    let values = set(&[("MONTHLY_JOB_DAY", "9")]);
    assert_eq!(values.read::<PlannerSettings>().expect("fine").day, 9);
    assert_eq!(values.notices(), ["MONTHLY_JOB_DAY (environment) is now called SCHEDULER_MONTHLY_JOB_DAY"]);
    let wrong = problems::<PlannerSettings>(&set(&[("MONTHLY_JOB_DAY", "0")]));
    assert_eq!(wrong, ["MONTHLY_JOB_DAY: \"0\" is below 1; expected a whole number from 1 to 28 (environment)"]);
}

#[test]
fn when_both_names_are_set_the_new_one_wins_with_a_notice() {
    let file = EnvFile::parse("f.env", "SCHEDULER_MONTHLY_JOB_DAY=11\n");
    let values = Values::gather([("MONTHLY_JOB_DAY", "9")], Some(file));
    assert_eq!(values.read::<PlannerSettings>().expect("fine").day, 11);
    assert_eq!(
        values.notices(),
        ["MONTHLY_JOB_DAY (environment) is ignored: SCHEDULER_MONTHLY_JOB_DAY (f.env:1) is set too"]
    );
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let file = EnvFile::parse("f.env", "SCHEDULER_BATCH_SIZE=70\n");
    let values = Values::gather([("SCHEDULER_BATCH_SIZE", ""), ("EMAIL_FROM_NAME", "")], Some(file));
    assert_eq!(values.read::<PlannerSettings>().expect("fine").batch_size, 70);
    assert_eq!(values.read::<MailSettings>().expect("fine").from.name, "");
}

#[test]
fn what_is_taken_out_counts_as_not_set_wherever_it_was_set() {
    let secret = [&table::DATABASE_SECRET.about, &table::DATABASE_HOST.about, &table::DATABASE_NAME.about];
    let file = EnvFile::parse("f.env", &format!("DATABASE_SECRET={SECRET}\nDATABASE_HOST=proxy\n"));
    let values = Values::gather([("DATABASE_URL", "sqlite:a.db"), ("DATABASE_NAME", "almanac")], Some(file));
    assert_eq!(problems::<EngineSettings>(&values).len(), 1, "both name the records");
    let engine = values.without(&secret).read::<EngineSettings>().expect("the URL alone names the records");
    assert_eq!(engine.records, RecordsAt::Url(Database::Sqlite(PathBuf::from("a.db"))));
}

#[test]
fn what_is_assumed_holds_only_where_nobody_has_set_anything() {
    let file = EnvFile::parse("f.env", "SCHEDULER_BATCH_SIZE=70\n");
    let values = Values::gather([("MONTHLY_JOB_DAY", "9")], Some(file)).assuming(&[
        (&table::SCHEDULER_BATCH_SIZE.about, "10"),
        (&table::SCHEDULER_MONTHLY_JOB_DAY.about, "10"),
        (&table::SCHEDULER_MONTHLY_JOB_HOUR.about, "10"),
    ]);
    let planner: PlannerSettings = values.read().expect("fine");
    assert_eq!((planner.batch_size, planner.day, planner.hour), (70, 9, 10));
}

#[test]
fn names_that_are_not_ours_are_left_alone_in_the_environment_and_noted_in_the_file() {
    let file = EnvFile::parse("f.env", "AWS_REGION=eu-west-3\nDATABSE_URL=sqlite:x\n");
    let values = Values::gather([("PATH", "/bin"), ("ALMANAC_TEST_MYSQL", "x"), ("EMAIL", "me")], Some(file));
    assert!(problems::<EngineSettings>(&values).is_empty());
    assert_eq!(
        values.notices(),
        [
            "AWS_REGION (f.env:1) is not a setting of Almanac and is ignored: set it in the environment",
            "DATABSE_URL (f.env:2) is not a setting of Almanac and is ignored: did you mean DATABASE_URL?",
        ]
    );
}

#[test]
fn a_real_transport_needs_a_real_sender_and_a_real_address_of_the_application() {
    for transports in ["smtp://mail:25", "dir:mail,ses:", "null:,ses+http://127.0.0.1:9000"] {
        let said = problems::<MailSettings>(&set(&[("EMAIL_TRANSPORTS", transports)]));
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("EMAIL_FROM_ADDRESS: missing (EMAIL_TRANSPORTS reaches real people)"), "{said:?}");
        assert!(said[1].starts_with("APP_BASE_URL: missing (EMAIL_TRANSPORTS reaches real people)"), "{said:?}");
    }
    let environment = [
        ("EMAIL_TRANSPORTS", "ses:"),
        ("EMAIL_FROM_ADDRESS", "Ada@Example.org"),
        ("APP_BASE_URL", "http://localhost:3000/"),
    ];
    let mail = set(&environment).read::<MailSettings>().expect("complete");
    assert_eq!(mail.from.address.as_str(), "ada@example.org");
    assert_eq!(mail.app_base_url.as_str(), "http://localhost:3000");
}

#[test]
fn on_lambda_nothing_is_embedded_in_silence() {
    let values = set(&[("AWS_LAMBDA_FUNCTION_NAME", "invitation-worker")]);
    let said = problems::<(EngineSettings, WorkerSettings)>(&values);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("DATABASE_URL: missing (on Lambda"), "{said:?}");
    assert!(said[1].starts_with("EMAIL_TRANSPORTS: missing (on Lambda"), "{said:?}");
    assert!(problems::<PlannerSettings>(&values).is_empty(), "another job's setting stops nothing");
    let listing = values.listing().to_string();
    assert!(listing.contains("DATABASE_URL is not set") && listing.contains("WRONG: missing (on Lambda"), "{listing}");
}

#[test]
fn under_sam_local_records_and_mail_are_embedded_in_the_temporary_folder_and_one_line_says_so() {
    let sam = [("AWS_LAMBDA_FUNCTION_NAME", "x"), ("AWS_SAM_LOCAL", "true")];
    let values = set(&sam);
    let home = std::env::temp_dir().join("almanac");
    let engine = values.read::<EngineSettings>().expect("embedded");
    let records = RecordsAt::Url(Database::Sqlite(home.join("almanac.db")));
    assert_eq!((&engine.home, &engine.records), (&home, &records));
    assert_eq!(values.notices().len(), 1);
    assert!(values.notices()[0].contains(&home.display().to_string()));
    let chosen = Values::gather(sam.into_iter().chain([("DATABASE_URL", "mysql://db/almanac")]), None);
    assert!(chosen.notices().is_empty());
}

#[test]
fn under_sam_local_the_template_s_names_of_resources_are_no_settings() {
    let sam = [
        ("AWS_SAM_LOCAL", "true"),
        ("DATABASE_SECRET", "DataStores"),
        ("DATABASE_HOST", "DataStores"),
        ("DATABASE_NAME", "DataStores"),
        ("INVITATIONS_QUEUE", "InvitationsQueue"),
        ("MONITOR_QUEUE", "GitPages"),
        ("OBJECTS", "s3://Objects"),
        ("ALERTS_TOPIC", "AlertsTopic"),
        ("EVENT_BUS", "Bus"),
        ("EMAIL_TRANSPORTS", "ses:?configuration-set=MailConfiguration"),
    ];
    let values = set(&sam);
    let (_, queue, pages, delivery) =
        values.read::<(EngineSettings, QueueSettings, PageSettings, DeliverySettings)>().expect("embedded");
    let mail = values.read::<WorkerSettings>().expect("embedded").mail;
    assert_eq!(mail.transports, [Provider::Dir(std::env::temp_dir().join("almanac/mail"))]);
    assert_eq!((queue.invitations, delivery.news.alerts), (QueueAt::Records, AlertsAt::Records));
    assert_eq!(pages.queue, None, "a monitor measures all teams itself");
    assert_eq!(delivery.news.events, EventsAt::Records);
    assert_eq!(delivery.objects, ObjectsAt::Folder(std::env::temp_dir().join("almanac/objects")));
    assert_eq!(values.notices().len(), 1, "{:?}", values.notices());
    let listed = values.listing();
    assert!(listed.settings.iter().all(|listed| listed.problem.is_none()), "{listed}");
}

const SECRET: &str = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:rds!cluster-1-AbCdEf";

#[test]
fn the_records_are_named_by_a_url_or_a_secret_and_never_by_both() {
    let lambda = ("AWS_LAMBDA_FUNCTION_NAME", "run-keeper");
    let values = set(&[lambda, ("DATABASE_SECRET", SECRET), ("DATABASE_HOST", "proxy"), ("DATABASE_NAME", "almanac")]);
    let RecordsAt::Secret(secret) = values.read::<EngineSettings>().expect("named").records else { panic!("a secret") };
    assert_eq!(
        (secret.arn.as_str(), secret.host.as_deref(), secret.name.as_deref()),
        (SECRET, Some("proxy"), Some("almanac"))
    );
    let listing = values.listing().to_string();
    assert!(listing.contains("DATABASE_URL is not set\n    The database that holds the records.\n"), "{listing}");
    let both = problems::<EngineSettings>(&set(&[("DATABASE_SECRET", SECRET), ("DATABASE_URL", "sqlite:a.db")]));
    assert_eq!(both, ["DATABASE_SECRET: DATABASE_URL is set too; one of the two names the records (environment)"]);
    let alone = problems::<EngineSettings>(&set(&[("DATABASE_HOST", "proxy")]));
    assert_eq!(alone, ["DATABASE_HOST: is only read together with DATABASE_SECRET, which is not set (environment)"]);
}

#[test]
fn on_lambda_every_port_is_named_and_on_one_machine_it_may_be() {
    let lambda = set(&[("AWS_LAMBDA_FUNCTION_NAME", "run-keeper"), ("DATABASE_SECRET", SECRET)]);
    let said = problems::<(EngineSettings, KeeperSettings, QueueSettings, DeliverySettings)>(&lambda);
    let named: Vec<_> = said.iter().map(|line| line.split(" (on Lambda ").next().expect("a first part")).collect();
    let missing = ["INVITATIONS_QUEUE", "OBJECTS", "ALERTS_TOPIC", "EVENT_BUS"].map(|name| format!("{name}: missing"));
    assert_eq!(named, missing);
    let machine = set(&[("OBJECTS", "s3://almanac-objects/reports"), ("EVENT_BUS", "almanac")]);
    let delivery: DeliverySettings = machine.read().expect("fine");
    assert_eq!(delivery.objects, ObjectsAt::S3 { bucket: "almanac-objects".to_owned(), prefix: "reports/".to_owned() });
    assert_eq!(delivery.news.events, EventsAt::EventBridge("almanac".to_owned()));
    assert_eq!(delivery.news.alerts, AlertsAt::Records);
}

#[test]
fn the_second_reminder_must_come_after_the_first() {
    let said = problems::<ReminderSettings>(&set(&[("SCHEDULER_FIRST_REMINDER_DAYS", "7")]));
    assert_eq!(
        said,
        ["SCHEDULER_SECOND_REMINDER_DAYS: 7 is not later than SCHEDULER_FIRST_REMINDER_DAYS, which is 7 (default)"]
    );
}

#[test]
fn the_listing_and_debug_output_show_no_password_even_of_a_wrong_url() {
    for url in [
        "mysql://app:hunter2@db/almanac",
        "mysql://app:hunter2@db",
        "mysql:app:hunter2",
        "hunter2",
        "mysql://app:hunter2/x@db:1/almanac",
    ] {
        let values = set(&[("DATABASE_URL", url)]);
        let read = values.read::<EngineSettings>();
        let shown = format!("{values:?}{}{read:?}", values.listing());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    for transports in ["dir:m,smtp://app:hunter2@mail:25,ses+http://a:hunter2@b:1", "smtp:app:hunter2@mail:25"] {
        let values = set(&[("EMAIL_TRANSPORTS", transports)]);
        let shown = format!("{}{:?}", values.listing(), values.read::<MailSettings>());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_file_is_found_by_its_name_or_under_the_home_and_a_named_one_must_be_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().to_str().expect("UTF-8");
    let file = folder.path().join("almanac.env");
    std::fs::write(&file, "SCHEDULER_BATCH_SIZE=70\nALMANAC_HOME=elsewhere\n").expect("written");
    let named = Values::from_environment([("ALMANAC_CONFIG", file.as_os_str())]);
    let (engine, planner) = named.read::<(EngineSettings, PlannerSettings)>().expect("fine");
    assert_eq!((engine.home, planner.batch_size), (PathBuf::from("elsewhere"), 70));
    let circular = problems::<EngineSettings>(&Values::from_environment([("ALMANAC_HOME", home)]));
    assert_eq!(circular.len(), 1);
    assert!(circular[0].starts_with("ALMANAC_HOME: decides which file is read"), "{circular:?}");
    std::fs::write(&file, "SCHEDULER_BATCH_SIZE=70\n").expect("written");
    let found = Values::from_environment([("ALMANAC_HOME", home)]);
    assert_eq!(found.read::<PlannerSettings>().expect("fine").batch_size, 70);
    let missing = folder.path().join("none.env");
    let said = problems::<EngineSettings>(&Values::from_environment([("ALMANAC_CONFIG", missing.as_os_str())]));
    assert!(said[0].contains("none.env: cannot be read"), "{said:?}");
}

#[test]
fn env_example_is_what_the_table_says() {
    assert!(
        include_str!("../../../.env.example") == example(),
        "`almanac config --example > .env.example` writes it anew"
    );
}

#[test]
fn env_example_loaded_as_a_file_gives_exactly_the_defaults() {
    let file = EnvFile::parse(".env.example", &example());
    let (loaded, bare) = (Values::gather(NOTHING, Some(file)), Values::gather(NOTHING, None));
    assert_eq!(problems::<Everything>(&loaded), [""; 0]);
    assert!(loaded.notices().is_empty(), "{:?}", loaded.notices());
    let values = |values: &Values| -> Vec<_> {
        values.listing().settings.into_iter().map(|listed| (listed.name, listed.value)).collect()
    };
    assert_eq!(values(&loaded), values(&bare));
}
