use std::path::Path;

use proptest::prelude::*;

use super::{EmailTemplate, InvalidTemplates, Locale, Rendered, Template, Templates};
use crate::email_address::EmailAddress;
use crate::letters::LetterKind;
use crate::mail::Letter;
use crate::mail::words::InvitationWords;

fn letter(values: Vec<String>) -> Letter {
    Letter { message: "1".to_owned(), to: EmailAddress::parse("ada@example.org").expect("well formed"), values }
}

fn words<'a>() -> InvitationWords<'a> {
    InvitationWords {
        first_name: "Zoé",
        sender_name: "Paul & Cie",
        custom_message: "Prends ton temps <3\n{{link}}",
        link: "https://almanac.example/i/7.dG9rZW4?a=1&b=2".to_owned(),
        short_code: "K7QF 2M9P".to_owned(),
        expires_on: chrono::NaiveDate::from_ymd_opt(2027, 1, 4).expect("a day"),
        unsubscribe_url: "https://almanac.example/u/7.dG9rZW4".to_owned(),
    }
}

#[test]
fn all_eighteen_templates_read_well() {
    let templates = Templates::embedded();
    for kind in LetterKind::ALL {
        for &name in EmailTemplate::ALL {
            for &locale in Locale::ALL {
                let letter = letter(words().values(locale));
                let Rendered { subject, text, html } = templates.get(kind, name, locale).render(&letter);
                let snapshot = match kind {
                    LetterKind::Invitation => format!("{name}_{locale}"),
                    LetterKind::Reminder(reminder) => format!("{name}_{reminder}_{locale}"),
                };
                insta::assert_snapshot!(snapshot, format!("{subject}\n\n{text}\n{html}"));
            }
        }
    }
}

#[test]
fn an_empty_name_and_no_message_leave_no_gap() {
    let words = InvitationWords { first_name: "", custom_message: "", ..words() };
    let letter = letter(words.values(Locale::English));
    let rendered =
        Templates::embedded().get(LetterKind::Invitation, EmailTemplate::Friendly, Locale::English).render(&letter);
    assert!(rendered.text.starts_with("Hello,\n"), "{}", rendered.text);
    assert!(!rendered.text.contains("\n\n\n"), "{}", rendered.text);
    assert!(rendered.html.contains("<div style=\"font-style:italic\"></div>"), "{}", rendered.html);
}

/// What SES does with its parts and data, as its documents describe it: every `{{key}}` once, nothing escaped.
fn as_ses_renders(template: &Template, letter: &Letter) -> Rendered {
    let mut data = "\"".to_owned();
    template.write_ses_data(letter, &mut data);
    let data: String = serde_json::from_str(&(data + "\"")).expect("a JSON text");
    let data: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&data).expect("JSON in the text");
    let fill = |part: &str| {
        let mut pieces = part.split("{{");
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (key, literal) = piece.split_once("}}").expect("closed");
            out.push_str(data[key].as_str().expect("a string"));
            out.push_str(literal);
        }
        out
    };
    let parts = template.ses();
    Rendered { subject: fill(&parts.subject), text: fill(&parts.text), html: fill(&parts.html) }
}

proptest! {
    #[test]
    fn ses_shows_the_same_as_every_other_transport(
        free in prop::collection::vec("(.|<|&|\"|'|\\{\\{link\\}\\}|\r|\n|é|🦀){0,40}", 3),
        plain in prop::collection::vec("[A-Za-z0-9 é:/._-]{0,40}", 4),
        kind in 0..3_usize,
        name in 0..3_usize,
        locale in 0..2_usize,
    ) {
        let values = [&free[0], &free[1], &free[2], &plain[0], &plain[1], &plain[2], &plain[3]];
        let letter = letter(values.into_iter().cloned().collect());
        let templates = Templates::embedded();
        let template = templates.get(LetterKind::ALL[kind], EmailTemplate::ALL[name], Locale::ALL[locale]);
        prop_assert_eq!(as_ses_renders(template, &letter), template.render(&letter));
    }
}

fn write_all(dir: &Path) {
    for (file, source) in super::EMBEDDED.iter() {
        let path = dir.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(path, source).expect("written");
    }
}

fn problems(dir: &Path) -> String {
    let InvalidTemplates(problems) = Templates::load(dir).expect_err("wrong templates");
    problems.join("\n").replace(&format!("{}/", dir.display()), "")
}

#[test]
fn a_folder_replaces_the_embedded_templates() {
    let dir = tempfile::tempdir().expect("a folder");
    write_all(dir.path());
    std::fs::write(dir.path().join("fun/en.subject.txt"), "{{sender_name}}!\n").expect("written");
    let templates = Templates::load(dir.path()).expect("well formed");
    let letter = letter(words().values(Locale::English));
    assert_eq!(
        templates.get(LetterKind::Invitation, EmailTemplate::Fun, Locale::English).render(&letter).subject,
        "Paul & Cie!"
    );
}

#[test]
fn a_partial_folder_is_refused_with_the_missing_files() {
    let dir = tempfile::tempdir().expect("a folder");
    write_all(dir.path());
    std::fs::remove_file(dir.path().join("fun/en.html")).expect("removed");
    std::fs::remove_file(dir.path().join("friendly/fr.subject.txt")).expect("removed");
    assert_eq!(problems(dir.path()), "friendly/fr.subject.txt is missing\nfun/en.html is missing");
}

#[test]
fn every_wrong_file_is_named_with_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    write_all(dir.path());
    std::fs::write(dir.path().join("friendly/en.txt"), "Hello\n{{greting}}\n").expect("written");
    std::fs::write(dir.path().join("fun/fr.txt"), "{{link}}\n\n").expect("written");
    std::fs::write(dir.path().join("fun/fr.subject.txt"), "one\ntwo\n").expect("written");
    insta::assert_snapshot!(problems(dir.path()), @r#"
    friendly/en.txt:2: unknown placeholder {{greting}}: did you mean {{greeting}}?
    fun/fr.subject.txt:1: expected one line of text
    fun/fr.txt:2: expected {{unsubscribe_url}} somewhere
    "#);
}
