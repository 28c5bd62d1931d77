//! The folder of `.eml` files, and the provider that sends nothing.

use shared::mail::Answer;
use tests::letters::{letter, letters, mailer, send};

#[tokio::test]
async fn each_letter_is_one_whole_file_that_a_mail_program_can_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let list = format!("dir:{}", dir.path().join("mail").display());
    let mailer = mailer(&list).await.expect("a mailer");
    let mut all = letters(20);
    all.push(letter("42/first"));
    let answers = send(&*mailer, &all).await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Accepted { .. })), "{answers:?}");

    let mut names: Vec<_> = std::fs::read_dir(dir.path().join("mail"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 21, "no other file is left: {names:?}");
    assert!(names.contains(&"42-first.eml".to_owned()), "{names:?}");

    let file = std::fs::read(dir.path().join("mail/42-first.eml")).expect("the file");
    let parsed = mail_parser::MessageParser::default().parse(&file).expect("a message");
    assert_eq!(parsed.subject(), Some("Jürgen Ångström aimerait avoir de vos nouvelles"));
    assert!(parsed.body_text(0).expect("text").starts_with("Bonjour Zoé,"));
    assert!(parsed.body_html(0).expect("HTML").contains("</html>"));
    let header = |name: &'static str| parsed.header_raw(name).map(str::trim);
    assert_eq!(header("List-Unsubscribe"), Some("<https://almanac.example/u/7.c2VjcmV0>"));
    assert_eq!(header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    assert_eq!(header("X-Almanac-Invitation"), Some("42/first"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_stops_the_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("written");
    let Err(error) = mailer(&format!("dir:{}", file.join("mail").display())).await else {
        panic!("a folder inside a file");
    };
    let chain = format!("{error:#}");
    assert!(chain.contains("cannot be written") && chain.contains("file/mail"), "{chain}");
}

#[tokio::test]
async fn the_null_provider_accepts_every_letter_under_an_id() {
    let mailer = mailer("null:").await.expect("a mailer");
    assert_eq!(mailer.capacity().claim, 50);
    let answers = send(&*mailer, &letters(2)).await;
    assert_eq!(answers[1], Answer::Accepted { provider_id: "null-attempt-1-1".to_owned() });
}
