//! Reminders on one machine: asked for, foretold, explained.

use serde_json::Value;

use crate::support::{
    ledger,
    machine::Machine,
    people::{CYCLE, days_from_now},
};

#[tokio::test]
async fn reminders_go_out_as_a_dry_run_foretold_and_a_story_tells_of_them() {
    let machine = Machine::bare().set("EMAIL_TRANSPORTS", "null:");
    machine.run(&["demo", "--people-only", "--users", "120", "--json"]).await.json_of(0);
    let sent = ledger::number(&machine.run(&CYCLE).await.json_of(0), "sent");
    assert!(sent > 0);
    let (third, seventh) = (days_from_now(3), days_from_now(7));
    for (at, letter) in [(&third, "first"), (&seventh, "second")] {
        let command = ["run", "reminders", "--at", at, "--json"];
        let dry = machine.run(&[&command[..], &["--dry-run"]].concat()).await.json_of(0);
        let run = machine.run(&command).await.json_of(0);
        ledger::is_balanced(&run);
        assert_eq!(run["planned"].as_u64(), Some(sent), "{run}");
        assert_eq!((&dry["planned"], &dry["would_send"]), (&run["planned"], &run["sent"]));
        assert_eq!((&dry["skipped"], dry["dry_run"].as_bool()), (&run["skipped"], Some(true)));
        assert!(ledger::number(&run, "sent") > 0, "{run}");
        assert_eq!(machine.run(&command).await.json_of(0), run, "an hour is one run");
        let reminded = reminded(&machine, letter).await;
        assert_eq!((&reminded["outcome"], &reminded["run"]), (&"sent".into(), &run["run"]));
        assert_eq!(reminded["attempts"][0]["outcome"], "accepted");
    }
    let unknown = machine.run(&["run", "reminder"]).await;
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("there are monthly-invitations, reminders"), "{}", unknown.err);
}

#[tokio::test]
async fn a_bench_reminds_everybody_whom_it_invited_each_time() {
    let machine = Machine::bare();
    let bench = ["--mail", "null:", "bench", "--users", "3", "--contacts", "2", "--workers", "1", "--reminders"];
    for _ in 0..2 {
        let output = machine.run(&bench).await;
        assert_eq!(output.code, 0, "{output:?}");
        let lines: Vec<Value> = output.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for (figures, speed) in lines.iter().zip(["invitations_per_s", "reminders_per_s"]) {
            assert_eq!((&figures["planned"], &figures["sent"]), (&6.into(), &6.into()), "{figures}");
            assert!(figures[speed].is_number(), "{figures}");
        }
        assert_eq!(lines.len(), 2);
    }
}

/// What the story of the first contact that was reminded says of its reminder.
async fn reminded(machine: &Machine, letter: &str) -> Value {
    for contact in 1..200 {
        let story = machine.run(&["why", &contact.to_string(), "--json"]).await;
        let Ok(story) = serde_json::from_str::<Value>(story.out.lines().last().unwrap_or_default()) else { continue };
        let of_letter = |month: &&Value| month["letter"] == letter && month["outcome"] == "sent";
        if let Some(month) = story["months"].as_array().into_iter().flatten().find(of_letter) {
            return month.clone();
        }
    }
    panic!("nobody was reminded");
}
