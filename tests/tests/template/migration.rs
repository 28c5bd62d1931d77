//! When a deployment migrates, and what waits for it.

use crate::{
    names,
    template::{Template, list},
};

const MIGRATION: &str = "Migration";

#[test]
fn a_deployment_migrates_when_a_migration_was_added() {
    let newest = names("infra/migrations/mysql", ".sql").pop().expect("a migration");
    let (number, _) = newest.split_once('_').expect("NUMBER_NAME");
    let template = Template::main();
    let schema = &template.resource(MIGRATION)["Properties"]["Schema"];
    assert_eq!(schema, number, "Schema of the block Migration is the number of {newest}");
}

#[test]
fn a_deployment_migrates_when_the_functions_are_led_to_other_records() {
    let template = Template::main();
    let told = template.section("Globals").pointer("/Function/Environment/Variables").expect("variables");
    let records = told.as_object().expect("an object").iter().filter(|(name, _)| name.starts_with("DATABASE_"));
    let asked = template.resource(MIGRATION)["Properties"].as_object().expect("properties");
    for (name, value) in records {
        assert!(asked.values().any(|property| property == value), "a change of {name} goes unseen");
    }
}

#[test]
fn who_makes_batches_of_a_new_kind_waits_for_those_who_work_them() {
    let template = Template::main();
    let waits = list(&template.resource("RemindersFunction")["DependsOn"]);
    for function in ["InvitationWorkerFunction", "RunKeeperFunction"] {
        assert!(waits.iter().any(|resource| *resource == function), "{function} may not know its batches yet");
    }
}

#[test]
fn every_other_function_waits_for_the_schema() {
    let template = Template::main();
    for function in template.functions().iter().filter(|function| function.binary != "migrate") {
        let waits = list(&function.block["DependsOn"]).iter().any(|resource| *resource == MIGRATION);
        assert!(waits, "{} may run on an older schema", function.id);
    }
}
