//! What reading promises as a whole.

use std::io;

use chrono::{DateTime, TimeZone as _, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use shared::email_address::EmailAddress;
use shared::people::{ContactStatus, EmailStatus, EmailTemplate, Locale, Source};

use super::*;

fn users(text: impl AsRef<[u8]>) -> Vec<Result<UserRow, Reject>> {
    taken(read_users(text.as_ref()).expect("a right header"))
}

fn contacts(text: impl AsRef<[u8]>) -> Vec<Result<ContactRow, Reject>> {
    taken(read_contacts(text.as_ref()).expect("a right header"))
}

fn taken<T>(rows: impl Iterator<Item = Result<T, ReadError>>) -> Vec<Result<T, Reject>> {
    let reject = |error| match error {
        ReadError::Rejected(reject) => reject,
        ReadError::Unreadable(error) => panic!("{error}"),
    };
    rows.map(|row| row.map_err(reject)).collect()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("well formed")
}

#[test]
fn empty_and_missing_cells_mean_the_defaults() {
    let row = UserRow {
        line: 2,
        id: "u1".to_owned(),
        username: "Ada".to_owned(),
        email: address("ada@example.org"),
        locale: Locale::French,
        timezone: None,
        active: true,
        send_day: 5,
        email_template: EmailTemplate::Friendly,
        custom_message: None,
        first_reminder: true,
        second_reminder: true,
        max_contacts_per_cycle: None,
        include_tags: Vec::new(),
        exclude_tags: Vec::new(),
        min_response_rate: None,
        min_days_between_invitations: None,
    };
    assert_eq!(users("email,id,username\nada@example.org,u1,Ada\n"), [Ok(row.clone())]);
    assert_eq!(users("\u{feff}id,username,locale,active,send_day,email\r\nu1, Ada ,,,,ADA@example.org"), [Ok(row)]);
    let contact = contacts("owner,email,status,source\nu1,bob@example.org,,\n").remove(0).expect("a row");
    assert_eq!((contact.status, contact.email_status), (ContactStatus::Active, EmailStatus::Active));
    assert_eq!((contact.source, contact.bounce_count), (Source::Csv, 0));
    assert_eq!((contact.active, contact.opted_out), (true, false));
}

#[test]
fn a_wrong_header_is_refused_with_everything_that_is_wrong_with_it() {
    let said = |text: &str| read_users(text.as_bytes()).err().expect("refused").to_string();
    let wrong = said("id,emial,send_day,send_day\n");
    for part in ["\"emial\" (did you mean email?)", "send_day comes twice", "username is missing", "email is missing"] {
        assert!(wrong.contains(part), "{wrong}");
    }
    assert!(said("").contains("empty"));
    assert!(said("id;username;email\n").contains("separated by commas"));
    assert!(said("\"id,username,email\n").contains("quote"));
}

#[test]
fn a_bad_line_is_rejected_with_its_number_field_and_reason_and_the_others_are_kept() {
    let text = b"id,username,email,send_day,active,locale\n\
        u1,Ada,ada@example.org,29,,\n\
        u2,Bob,bob.example.org,,,\n\
        u3,,cy@example.org,,,\n\
        u4,Dee,dee@example.org,1,yes,\n\
        u5,E\xE9a,eea@example.org,1,,\n\
        u6,Fay,fay@example.org,1,,de\n\
        u7,Gus\n\
        u8,\"Hal,hal@example.org,1,,\n\
        u9,Ida,ida@example.org,28,false,en\n";
    let read = users(text);
    let rejected: Vec<(u64, &str, &str)> =
        read.iter().filter_map(|row| row.as_ref().err()).map(|r| (r.line, r.field, r.reason.as_str())).collect();
    assert_eq!(
        rejected,
        [
            (2, "send_day", "must be a whole number from 1 to 28"),
            (3, "email", "is not an e-mail address"),
            (4, "username", "is empty"),
            (5, "active", "must be true or false"),
            (6, "username", "is not UTF-8"),
            (7, "locale", "must be one of fr, en"),
            (8, "", "has 2 fields, and the first line has 6"),
            (9, "", "a quote is not closed"),
        ]
    );
    let kept: Vec<&str> = read.iter().flatten().map(|row| row.id.as_str()).collect();
    assert_eq!(kept, ["u9"]);
}

#[test]
fn every_field_keeps_to_its_range() {
    for (field, right, wrong) in [
        ("send_day", &["1", "28"][..], &["0", "29", "-1", "1.5", "+1"][..]),
        ("max_contacts_per_cycle", &["1", "200"], &["0", "201"]),
        ("min_days_between_invitations", &["0", "3650"], &["3651", "-1"]),
        ("min_response_rate", &["0", "100", "42.5"], &["-1", "100.1", "NaN", "inf", "5%"]),
        ("timezone", &["Europe/Paris"], &["Europe/Pari", "CEST2"]),
        ("email_template", &["friendly", "professional", "fun"], &["Fun", "sad"]),
        ("custom_message", &["\"one\ntwo\""], &["a\u{1}b"]),
    ] {
        let read = |value: &str| users(format!("id,username,email,{field}\nu,n,a@b.org,{value}\n")).remove(0);
        right.iter().for_each(|value| assert!(read(value).is_ok(), "{field} {value}"));
        wrong.iter().for_each(|value| assert_eq!(read(value).expect_err(value).field, field, "{value}"));
    }
    for (field, right, wrong) in [
        ("bounce_count", &["0", "12"][..], &["-1", "x"][..]),
        ("response_rate", &["0", "100"], &["101"]),
        ("last_sent_at", &["2026-11-05T18:00:00+01:00"], &["2026-11-05", "yesterday"]),
        ("source", &["manual", "handshake"], &["web"]),
        ("email_status", &["bounced_permanent"], &["bounced"]),
        ("status", &["opted_out", "blocked"], &["complained"]),
    ] {
        let read = |value: &str| contacts(format!("owner,email,{field}\nu,a@b.org,{value}\n")).remove(0);
        right.iter().for_each(|value| assert!(read(value).is_ok(), "{field} {value}"));
        wrong.iter().for_each(|value| assert_eq!(read(value).expect_err(value).field, field, "{value}"));
    }
    let message =
        |length: usize| users(format!("id,username,email,custom_message\nu,n,a@b.org,{}\n", "é".repeat(length)));
    assert!(message(500)[0].is_ok() && message(501)[0].is_err());
}

#[test]
fn the_file_of_rejects_never_repeats_what_a_line_says() {
    let text =
        "id,username,email,timezone\nu1,Ada,secret person@example.org,\nsecret,secret\nu3,C,c@d.org,Secret/Zone\n";
    let mut bytes = Vec::new();
    let mut file = RejectsFile::new(&mut bytes).expect("memory");
    for reject in users(text).into_iter().filter_map(Result::err) {
        file.add("users.csv", &reject).expect("memory");
    }
    file.finish().expect("memory");
    let written = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(written.lines().count(), 4, "{written}");
    assert!(written.starts_with("file,line,field,reason\nusers.csv,2,email,is not an e-mail address\n"), "{written}");
    assert!(!written.to_lowercase().contains("secret"), "{written}");
}

#[test]
fn a_file_that_cannot_be_read_on_ends_with_its_error() {
    struct Torn(bool);
    impl io::Read for Torn {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("torn"));
            }
            let text = b"owner,email\nu1,a@b.org\nu2";
            buffer[..text.len()].copy_from_slice(text);
            Ok(text.len())
        }
    }
    let rows: Vec<_> = read_contacts(io::BufReader::new(Torn(false))).expect("a header").take(5).collect();
    assert!(matches!(rows.as_slice(), [Ok(_), Err(ReadError::Unreadable(_))]), "{rows:?}");
}

/// Text as people write it, with everything that CSV must quote.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let characters = select(vec!['a', 'Z', 'é', '漢', '😀', ' ', ',', '"', '\'', ';', '#', '0']);
    vec(characters, 1..longest).prop_map(|characters| characters.into_iter().collect::<String>()).prop_filter_map(
        "not blank",
        |text| {
            let text = text.trim().to_owned();
            (!text.is_empty()).then_some(text)
        },
    )
}

fn message() -> impl Strategy<Value = Option<String>> {
    option::of(vec(text(60), 1..4).prop_map(|lines| lines.join("\n")))
}

fn tags() -> impl Strategy<Value = Vec<String>> {
    vec("[a-zé ,\"]{0,8}[a-z]", 0..5).prop_map(|tags| {
        let mut kept: Vec<String> = Vec::new();
        for tag in tags.iter().map(|tag| tag.trim().to_owned()) {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        kept
    })
}

fn email() -> impl Strategy<Value = EmailAddress> {
    "[a-z]{1,10}(\\.[a-z]{1,5})?@[a-z]{1,8}\\.(org|fr)".prop_map(|text| address(&text))
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..4_000_000_000, 0_u32..1_000_000).prop_map(|(seconds, micros)| {
        Utc.timestamp_opt(seconds, micros * 1_000).single().expect("within chrono's range")
    })
}

fn user() -> impl Strategy<Value = UserRow> {
    let person = (text(30), text(30), email(), select(Locale::ALL), option::of(select(&chrono_tz::TZ_VARIANTS[..])));
    let letters = (any::<bool>(), 1_u32..=28, select(EmailTemplate::ALL), message(), any::<bool>(), any::<bool>());
    let limits = (option::of(1_u32..=200), tags(), tags(), option::of(0.0..=100.0), option::of(0_u32..=3_650));
    (person, letters, limits).prop_map(|(person, letters, limits)| UserRow {
        line: 0,
        id: person.0,
        username: person.1,
        email: person.2,
        locale: person.3,
        timezone: person.4,
        active: letters.0,
        send_day: letters.1,
        email_template: letters.2,
        custom_message: letters.3,
        first_reminder: letters.4,
        second_reminder: letters.5,
        max_contacts_per_cycle: limits.0,
        include_tags: limits.1,
        exclude_tags: limits.2,
        min_response_rate: limits.3,
        min_days_between_invitations: limits.4,
    })
}

fn contact() -> impl Strategy<Value = ContactRow> {
    let person = (text(30), email(), option::of(text(30)), option::of(text(30)), select(ContactStatus::ALL));
    let state = (select(EmailStatus::ALL), 0_u32..1_000, any::<bool>(), any::<bool>(), tags());
    let past = (option::of(0.0..=100.0), option::of(time()), select(Source::ALL));
    (person, state, past).prop_map(|(person, state, past)| ContactRow {
        line: 0,
        owner: person.0,
        email: person.1,
        first_name: person.2,
        last_name: person.3,
        status: person.4,
        email_status: state.0,
        bounce_count: state.1,
        opted_out: state.2,
        active: state.3,
        tags: state.4,
        response_rate: past.0,
        last_sent_at: past.1,
        source: past.2,
    })
}

fn or_empty<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn user_cells(row: &UserRow) -> Vec<(&'static str, String)> {
    vec![
        ("id", row.id.clone()),
        ("username", row.username.clone()),
        ("email", row.email.to_string()),
        ("locale", row.locale.to_string()),
        ("timezone", or_empty(row.timezone)),
        ("active", row.active.to_string()),
        ("send_day", row.send_day.to_string()),
        ("email_template", row.email_template.to_string()),
        ("custom_message", or_empty(row.custom_message.clone())),
        ("first_reminder", row.first_reminder.to_string()),
        ("second_reminder", row.second_reminder.to_string()),
        ("max_contacts_per_cycle", or_empty(row.max_contacts_per_cycle)),
        ("include_tags", row.include_tags.join(";")),
        ("exclude_tags", row.exclude_tags.join(";")),
        ("min_response_rate", or_empty(row.min_response_rate)),
        ("min_days_between_invitations", or_empty(row.min_days_between_invitations)),
    ]
}

fn contact_cells(row: &ContactRow) -> Vec<(&'static str, String)> {
    vec![
        ("owner", row.owner.clone()),
        ("email", row.email.to_string()),
        ("first_name", or_empty(row.first_name.clone())),
        ("last_name", or_empty(row.last_name.clone())),
        ("status", row.status.to_string()),
        ("email_status", row.email_status.to_string()),
        ("bounce_count", row.bounce_count.to_string()),
        ("opted_out", row.opted_out.to_string()),
        ("active", row.active.to_string()),
        ("tags", row.tags.join(";")),
        ("response_rate", or_empty(row.response_rate)),
        ("last_sent_at", or_empty(row.last_sent_at.map(|time| time.to_rfc3339()))),
        ("source", row.source.to_string()),
    ]
}

/// The `csv` crate writes, so that reading is checked against somebody else's idea of the format.
fn written(rows: &[Vec<(&'static str, String)>], turn: usize) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (position, row) in rows.iter().enumerate() {
        let mut row = row.clone();
        let width = row.len();
        row.rotate_left(turn % width);
        if position == 0 {
            writer.write_record(row.iter().map(|(name, _)| *name)).expect("memory");
        }
        writer.write_record(row.iter().map(|(_, cell)| cell)).expect("memory");
    }
    writer.into_inner().expect("memory")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn users_written_as_csv_read_back_equal_in_any_order_of_columns(rows in vec(user(), 1..8), turn in 0_usize..16) {
        let cells: Vec<_> = rows.iter().map(user_cells).collect();
        let read: Result<Vec<UserRow>, Reject> = users(written(&cells, turn)).into_iter().collect();
        let read: Vec<UserRow> = read.expect("all are right").into_iter().map(|row| UserRow { line: 0, ..row }).collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn contacts_written_as_csv_read_back_equal_in_any_order_of_columns(rows in vec(contact(), 1..8), turn in 0_usize..13) {
        let cells: Vec<_> = rows.iter().map(contact_cells).collect();
        let read: Result<Vec<ContactRow>, Reject> = contacts(written(&cells, turn)).into_iter().collect();
        let read: Vec<ContactRow> =
            read.expect("all are right").into_iter().map(|row| ContactRow { line: 0, ..row }).collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn no_bytes_whatever_stop_the_reading(bytes in vec(select(b"a,\"\n\r;\xFF\xC3 0@.".to_vec()), 0..400)) {
        let mut text = b"owner,email\n".to_vec();
        text.extend(bytes);
        text.extend(b"\nu1,last@example.org\n");
        let read = contacts(text);
        // The last line stands unless a quote before it was closed by nothing.
        prop_assert_eq!(read.last().and_then(|row| row.as_ref().ok()).map(|row| row.email.as_str()), Some("last@example.org"));
    }
}
