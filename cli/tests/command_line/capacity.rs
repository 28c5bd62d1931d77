//! What many invitations take: the answer is the same each time, and the README shows it.

use serde_json::Value;

use crate::support::{machine::Machine, process::Ending};

async fn ask(arguments: &[&str]) -> Ending {
    Machine::bare().run(&[&["capacity"], arguments].concat()).await
}

fn lines(ending: &Ending) -> Vec<Value> {
    ending.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn the_readme_shows_what_the_command_says_of_ten_and_a_hundred_million() {
    let said = ask(&[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let table: Vec<&str> = said.out.lines().take_while(|line| line.starts_with('|')).collect();
    let readme = include_str!("../../../README.md");
    assert!(table.len() > 4 && readme.contains(&table.join("\n")), "the README's table is not this:\n{}", said.out);
}

#[tokio::test]
async fn each_step_raises_what_bounded_the_one_before_until_the_run_fits() {
    let steps = lines(&ask(&["--invitations", "10000000", "--json"]).await);
    let (last, before) = steps.split_last().expect("a step");
    assert_eq!((&last["fits"], &last["raise"]), (&true.into(), &Value::Null));
    assert!(before.iter().all(|step| step["fits"] == false && step["raise"].is_string()), "{steps:?}");
    let finished: Vec<f64> = steps.iter().map(|step| step["finished_s"].as_f64().expect("seconds")).collect();
    assert!(finished.is_sorted_by(|slower, faster| slower > faster), "{finished:?}");
}

#[tokio::test]
async fn a_stack_is_played_as_its_template_declares_it() {
    let question = ["--invitations", "1000000", "--per-second", "100000", "--per-day", "10000000", "--json"];
    let workers = async |more: &[&str]| lines(&ask(&[&question[..], more].concat()).await)[0]["workers"].clone();
    assert_eq!(workers(&[]).await, 20);
    assert_eq!(workers(&["--parameter", "WorkerConcurrency=7"]).await, 7);
}

#[tokio::test]
async fn prices_of_a_file_take_the_place_of_those_built_in() {
    let machine = Machine::bare().set("ALMANAC_PRICES", "prices.json");
    let built_in = include_str!("../../src/capacity/prices.json");
    std::fs::write(machine.folder().join("prices.json"), built_in.replace("\"essentials\",", "\"a-la-carte\","))
        .expect("a file");
    let question = ["capacity", "--invitations", "1000000", "--json"];
    let own = lines(&machine.run(&question).await)[0]["cost"]["ses"].clone();
    assert_eq!((own, &lines(&ask(&question[1..]).await)[0]["cost"]["ses"]), (100.0.into(), &160.0.into()));

    std::fs::write(machine.folder().join("prices.json"), "{}").expect("a file");
    let wrong = machine.run(&question).await;
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("ALMANAC_PRICES: prices.json: these are no prices"), "{}", wrong.err);
}
