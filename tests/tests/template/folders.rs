//! Folder, binary, event and block have one name.

use crate::{names, template::Template};

fn folders() -> Vec<String> {
    names("functions", "")
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
    assert_eq!(binaries, folders());
    for function in functions {
        assert_eq!(function.id, block_name(function.binary));
        assert_eq!(function.block["Metadata"]["BuildMethod"], "rust-cargolambda", "{}", function.id);
        let name = format!("${{AWS::StackName}}-{}", function.binary);
        assert_eq!(function.block["Properties"]["FunctionName"]["Fn::Sub"], name);
    }
}

#[test]
fn every_function_has_an_event_of_its_name_and_no_event_is_left_over() {
    assert_eq!(names("events", ".json"), folders());
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
