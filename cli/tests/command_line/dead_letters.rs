//! Messages that came to nothing are recorded on one machine too, and shown.

use serde_json::json;
use tests::{ask::execute, databases::TestDatabase};

use crate::support::{
    machine::Machine,
    people::{self, CYCLE},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_came_to_nothing_is_recorded_and_shown_with_its_cause() {
    let database = TestDatabase::sqlite().await;
    let records = database.records().clone();
    people::make_up(&records, 2).await;
    for body in [r#"{"run":7,"batch":9}"#, "garbled"] {
        let sql = "INSERT INTO queue_messages (queue, body, sent_at, visible_at, receive_count, dead) \
                   VALUES ('invitations', ?, {now}, {now}, 5, 1)";
        execute(&records, sql, vec![body.into()]).await;
    }
    let machine = Machine::with_records(database.url()).set("EMAIL_TRANSPORTS", "null:");
    assert!(machine.run(&["dead-letters"]).await.out.contains("There is no dead letter."));
    machine.run(&CYCLE).await.json_of(0);

    let listed = machine.run(&["dead-letters"]).await.out;
    assert!(listed.contains("batch for invitation-worker (batch 9 of run 7): there is no batch 9"), "{listed}");
    assert!(listed.contains("unreadable for invitation-worker: it is no batch's message"), "{listed}");
    let shown = machine.run(&["dead-letters", "show", "2", "--json"]).await.json_of(0);
    assert_eq!((&shown["letter"]["kind"], &shown["content"]["body"]), (&json!("unreadable"), &json!("garbled")));
    let unknown = machine.run(&["dead-letters", "show", "3"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("there is no dead letter 3"), "{}", unknown.err);
}
