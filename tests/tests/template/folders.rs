//! Folder, binary, event and block have one name.

use std::collections::BTreeSet;

use crate::{names, template::Template};

/// Functions that the template has before their folders are there.
const FOLDER_FOLLOWS: [&str; 1] = ["dead-letters"];

fn folders() -> BTreeSet<String> {
    names("functions", "").into_iter().collect()
}

fn expected() -> Vec<String> {
    folders().into_iter().chain(FOLDER_FOLLOWS.map(str::to_owned)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `run-keeper` is the block `RunKeeperFunction`.
fn block_name(binary: &str) -> String {
    let mut name = String::new();
    for word in binary.split('-') {
        name.push_str(&word[..1].to_uppercase());
        name.push_str(&word[1..]);
    }
    name + "Function"
}

#[test]
fn the_template_has_every_function_in_the_order_of_its_folders() {
    let template = Template::main();
    let functions = template.functions();
    let binaries: Vec<_> = functions.iter().map(|function| function.binary).collect();
    assert_eq!(binaries, expected());
    for function in functions {
        assert_eq!(function.id, block_name(function.binary));
        assert_eq!(function.block["Metadata"]["BuildMethod"], "rust-cargolambda", "{}", function.id);
        let name = format!("${{AWS::StackName}}-{}", function.binary);
        assert_eq!(function.block["Properties"]["FunctionName"]["Fn::Sub"], name);
    }
}

#[test]
fn every_function_has_an_event_of_its_name_and_no_event_is_left_over() {
    let with_event: BTreeSet<_> = names("events", ".json").into_iter().collect();
    let wanted: BTreeSet<_> = folders();
    let missing: Vec<_> = wanted.difference(&with_event).collect();
    assert!(missing.is_empty(), "no event: {missing:?}");
    let left_over: Vec<_> = with_event.iter().filter(|name| !expected().contains(name)).collect();
    assert!(left_over.is_empty(), "no function: {left_over:?}");
}

#[test]
fn every_function_has_a_log_group_of_its_own_that_forgets() {
    let template = Template::main();
    for function in template.functions() {
        let group = template.resource(&function.id.replace("Function", "Logs"));
        let name = format!("/aws/lambda/${{AWS::StackName}}-{}", function.binary);
        assert_eq!(group["Properties"]["LogGroupName"]["Fn::Sub"], name);
        assert!(!group["Properties"]["RetentionInDays"].is_null(), "{} keeps its logs for ever", function.id);
    }
}
