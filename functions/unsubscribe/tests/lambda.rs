//! The door's own binary, as Lambda runs it behind a function URL.

use serde_json::{Value, json};
use shared::{links::LinkKeys, records::Records};
use tests::{
    ask::{execute, number, texts},
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    people::add_user_with_contacts,
};

const EVENT: &str = include_str!("../../../events/unsubscribe.json");

async fn start(database: &TestDatabase) -> LambdaHost {
    let settings = [("DATABASE_URL", database.url())];
    LambdaHost::start("unsubscribe", env!("CARGO_BIN_EXE_unsubscribe"), settings).await.expect("the binary starts")
}

/// A request to that path.
fn request(method: &str, path: &str) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).expect("an event");
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    event
}

async fn asked(door: &mut LambdaHost, method: &str, path: &str) -> Value {
    let Answer::Response(answer) = door.invoke(request(method, path)).await else { panic!("{}", door.output()) };
    answer
}

/// The path of the link that unsubscribes a contact.
async fn path(records: &Records, contact: i64) -> String {
    let link = LinkKeys::of(records).await.expect("keys").unsubscribe_link("", contact);
    assert!(link.starts_with("/unsubscribe/"), "{link}");
    link
}

/// Who has opted out, and which addresses are barred.
async fn barred(records: &Records) -> (i64, Vec<String>) {
    let out = number(records, "SELECT COUNT(*) FROM contacts WHERE opted_out = 1", vec![]).await;
    (out, texts(records, "SELECT reason FROM suppressions", vec![]).await)
}

#[tokio::test]
async fn a_link_leads_out_and_back_and_only_a_post_decides_on_sqlite() {
    out_and_back(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn a_link_leads_out_and_back_and_only_a_post_decides_on_mysql() {
    out_and_back(TestDatabase::mysql().await).await;
}

async fn out_and_back(database: TestDatabase) {
    let (_, contacts) = add_user_with_contacts(&database, 2).await;
    let out = path(&database, contacts[0]).await;
    let back = out.replace("/unsubscribe/", "/resubscribe/");
    let mut door = start(&database).await;
    for looked in ["GET", "HEAD"] {
        let shown = asked(&mut door, looked, &out).await;
        assert_eq!(shown["statusCode"], 200);
        assert!(shown["body"].as_str().expect("a page").contains("Me désinscrire"), "{shown}");
    }
    assert_eq!(barred(&database).await, (0, vec![]), "a scanner that follows links unsubscribes nobody");

    for _ in 0..2 {
        let done = asked(&mut door, "POST", &out).await;
        assert!(done["body"].as_str().expect("a page").contains("C’est fait."), "{done}");
        assert_eq!(barred(&database).await, (1, vec!["unsubscribe".to_owned()]));
    }
    let returned = asked(&mut door, "POST", &back).await;
    assert!(returned["body"].as_str().expect("a page").contains("Vous êtes réinscrit."), "{returned}");
    assert_eq!(barred(&database).await, (0, vec![]));
    let again = asked(&mut door, "POST", &back).await;
    assert!(again["body"].as_str().expect("a page").contains("Rien n’a changé."), "{again}");

    let log = door.output();
    assert!(!log.contains('@') && !log.contains(out.rsplit('/').next().expect("a token")), "{log}");
}

#[tokio::test]
async fn a_link_that_was_made_up_or_cut_off_and_any_other_path_lead_nowhere() {
    let database = TestDatabase::sqlite().await;
    let (_, contacts) = add_user_with_contacts(&database, 2).await;
    let mine = path(&database, contacts[0]).await;
    let others = mine.replace(&format!("/{}.", contacts[0]), &format!("/{}.", contacts[1]));
    let mut door = start(&database).await;
    for path in [&others, &mine[..mine.len() - 1], "/", "/unsubscribe/", "/unsubscribe/x", "/favicon.ico", ""] {
        for method in ["GET", "POST"] {
            assert_eq!(asked(&mut door, method, path).await["statusCode"], 404, "{method} {path}");
        }
    }
    let refused = asked(&mut door, "DELETE", &mine).await;
    assert_eq!((&refused["statusCode"], &refused["headers"]["allow"]), (&json!(405), &json!("GET, HEAD, POST")));
    assert_eq!(barred(&database).await, (0, vec![]));
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait_and_others_are_not() {
    let database = TestDatabase::sqlite().await;
    let (_, contacts) = add_user_with_contacts(&database, 1).await;
    let out = path(&database, contacts[0]).await;
    let mut door = start(&database).await;
    let mut statuses = Vec::new();
    for _ in 0..61 {
        statuses.push(asked(&mut door, "GET", &out).await["statusCode"].as_u64().expect("a status"));
    }
    assert_eq!((statuses[59], statuses[60]), (200, 429));
    let mut other = request("GET", &out);
    other["requestContext"]["http"]["sourceIp"] = "198.51.100.9".into();
    let Answer::Response(answer) = door.invoke(other).await else { panic!("{}", door.output()) };
    assert_eq!(answer["statusCode"], 200);
}

#[tokio::test]
async fn a_wish_that_cannot_be_noted_is_to_be_said_again() {
    let database = TestDatabase::sqlite().await;
    let (_, contacts) = add_user_with_contacts(&database, 1).await;
    let out = path(&database, contacts[0]).await;
    let mut door = start(&database).await;
    asked(&mut door, "GET", &out).await;
    execute(&database, "DROP TABLE suppressions", vec![]).await;
    let failed = asked(&mut door, "POST", &out).await;
    assert_eq!((&failed["statusCode"], &failed["headers"]["retry-after"]), (&json!(503), &json!("60")));
    assert_eq!(
        number(&database, "SELECT COUNT(*) FROM contacts WHERE opted_out = 1", vec![]).await,
        0,
        "all or nothing"
    );
}

#[tokio::test]
async fn who_complained_or_is_gone_is_treated_the_same_and_does_not_come_back() {
    let database = TestDatabase::sqlite().await;
    let (user, contacts) = add_user_with_contacts(&database, 2).await;
    let complained = "UPDATE contacts SET opted_out = 1, opt_out_reason = 'complaint' WHERE user_id = ? AND id = ?";
    execute(&database, complained, vec![user.into(), contacts[0].into()]).await;
    let paths = [path(&database, contacts[0]).await, path(&database, contacts[1]).await];
    execute(&database, "DELETE FROM contacts WHERE id = ?", vec![contacts[1].into()]).await;
    let mut door = start(&database).await;
    for out in paths {
        assert_eq!(asked(&mut door, "POST", &out).await["statusCode"], 200);
        let back = asked(&mut door, "POST", &out.replace("/unsubscribe/", "/resubscribe/")).await;
        assert!(back["body"].as_str().expect("a page").contains("Rien n’a changé."), "{back}");
    }
    assert_eq!(barred(&database).await.0, 1);
}
