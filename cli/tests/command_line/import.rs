//! Importing files that are long and partly broken.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

use serde_json::Value;
use tests::databases;

use crate::support::{machine::Machine, pause, process::Ending, query};

const USERS: u64 = 1_000;

/// What is wrong with every hundredth line, in turn: the line's end, and what the rejects say about it.
const FAULTS: [(&str, &str, &str); 5] = [
    ("nobody,someone@example.org,Zoé,0", "owner", "no user has this id"),
    ("u1,not an address,Zoé,0", "email", "is not an e-mail address"),
    ("u1,,Zoé,0", "email", "is empty"),
    ("u1,someone@example.org", "", "has 2 fields, and the first line has 4"),
    ("u1,someone@example.org,Zoé,many", "bounce_count", "must be a whole number from 0 to 1000000"),
];

/// Two files, of which the second has that many lines after its first, every hundredth of them broken.
struct Files {
    users: String,
    contacts: String,
    lines: u64,
}

impl Files {
    fn write(folder: &Path, lines: u64) -> Self {
        let path = |name: &str| folder.join(format!("{name}-{lines}.csv")).display().to_string();
        let files = Self { users: path("users"), contacts: path("contacts"), lines };
        let mut users = BufWriter::new(File::create(&files.users).expect("a file"));
        writeln!(users, "id,username,email").expect("written");
        for user in 0..USERS {
            writeln!(users, "u{user},User {user},user.{user}@example.com").expect("written");
        }
        users.flush().expect("written");
        let mut contacts = BufWriter::new(File::create(&files.contacts).expect("a file"));
        writeln!(contacts, "owner,email,first_name,bounce_count").expect("written");
        for number in 1..=lines {
            match fault(number) {
                Some((line, ..)) => writeln!(contacts, "{line}").expect("written"),
                None => writeln!(contacts, "u{},contact.{number}@example.org,Zoé,0", number % USERS).expect("written"),
            }
        }
        contacts.flush().expect("written");
        files
    }

    fn broken(&self) -> u64 {
        self.lines / 100
    }

    fn import(&self) -> [&str; 4] {
        ["import", &self.users, &self.contacts, "--json"]
    }
}

fn fault(number: u64) -> Option<(&'static str, &'static str, &'static str)> {
    let broken = number.is_multiple_of(100).then_some(number / 100)?;
    Some(FAULTS[usize::try_from(broken).expect("few") % FAULTS.len()])
}

#[tokio::test]
async fn every_broken_line_is_counted_and_explained_and_doing_it_again_changes_nothing() {
    let machine = Machine::bare();
    let files = Files::write(machine.folder(), 20_000);
    let first = machine.run(&files.import()).await.json_of(0);
    assert_eq!(first["users"]["added"], USERS);
    let (read, broken) = (files.lines, files.broken());
    let counts = |added, unchanged| serde_json::json!({"read": read, "added": added, "changed": 0, "unchanged": unchanged, "rejected": broken});
    assert_eq!(first["contacts"], counts(read - broken, 0));
    every_reject_is_explained(&machine, &files);

    let again = machine.run(&files.import()).await.json_of(0);
    assert_eq!(again["users"]["unchanged"], USERS);
    assert_eq!(again["contacts"], counts(0, read - broken));
    every_reject_is_explained(&machine, &files);
}

fn every_reject_is_explained(machine: &Machine, files: &Files) {
    let rejects = fs::read_to_string(machine.home().join("rejects.csv")).expect("the rejects");
    let name = Path::new(&files.contacts).file_name().expect("a name").to_string_lossy();
    let mut told: Vec<&str> = rejects.lines().skip(1).collect();
    let mut expected: Vec<String> = (1..=files.lines)
        .filter_map(|number| {
            let (_, field, reason) = fault(number)?;
            let quote = if reason.contains(',') { "\"" } else { "" };
            // The first line is the header.
            Some(format!("{name},{},{field},{quote}{reason}{quote}", number + 1))
        })
        .collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_old_file_does_not_revive_a_contact_that_opted_out() {
    let machine = Machine::bare();
    let files = Files::write(machine.folder(), 10);
    machine.run(&files.import()).await.json_of(0);
    let records = databases::open(&format!("sqlite:{}/almanac.db", machine.home().display())).await;
    query::change(&records, "UPDATE contacts SET opted_out = 1 WHERE email = 'contact.7@example.org'").await;
    query::change(&records, "UPDATE contacts SET email_status = 'complained' WHERE email = 'contact.8@example.org'")
        .await;
    machine.run(&files.import()).await.json_of(0);
    let still = "SELECT COUNT(*) FROM contacts WHERE opted_out = 1 OR email_status = 'complained'";
    assert_eq!(query::number(&records, still).await, 2);
}

#[tokio::test]
async fn ten_times_the_lines_take_no_more_memory() {
    let (few, many) = (peak_of(20_000).await, peak_of(200_000).await);
    println!("most memory: {few} KiB for 20,000 lines, {many} KiB for 200,000");
    assert!(many < few + few / 2, "{few} KiB grew to {many} KiB");
    assert!(many < 64 * 1_024, "{many} KiB");
}

/// The most memory, in KiB, that an import of so many lines has had resident.
async fn peak_of(lines: u64) -> u64 {
    let machine = Machine::bare();
    let files = Files::write(machine.folder(), lines);
    let mut running = machine.start(&files.import());
    let status = format!("/proc/{}/status", running.id());
    let mut peak = 0;
    while !running.has_ended() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = most.and_then(|most| most.parse().ok()).unwrap_or(peak);
        pause().await;
    }
    let ending: Ending = running.end().await;
    let told: Value = ending.json_of(0);
    assert_eq!(told["contacts"]["rejected"], files.broken());
    peak
}
