//! What outlives its stack, and that a first deployment that failed can be repeated.

use serde_json::Value;

use crate::template::Template;

/// What holds something that would be missed.
const KEPT: [&str; 4] = ["Key", "MailIdentity", "Objects", "Secret"];

/// The resources that are kept when their stack goes.
fn kept(template: &Template) -> impl Iterator<Item = (&str, &Value)> {
    let policy = |block: &Value| block["DeletionPolicy"].as_str().is_some_and(|policy| policy.starts_with("Retain"));
    template.resources().filter(move |(_, block)| policy(block))
}

#[test]
fn what_would_be_missed_outlives_the_stack_but_not_a_deployment_that_failed_to_make_it() {
    let (main, stores) = (Template::main(), Template::data_stores());
    let mut found: Vec<_> = kept(&main).chain(kept(&stores)).collect();
    found.sort_by_key(|(id, _)| *id);
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), KEPT);
    for (id, block) in found {
        assert_eq!(block["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
        assert_eq!(block["UpdateReplacePolicy"], "Retain", "{id}");
    }
}

#[test]
fn what_is_kept_has_no_name_that_the_next_stack_would_want() {
    let (main, stores) = (Template::main(), Template::data_stores());
    for (id, block) in kept(&main).chain(kept(&stores)) {
        for name in ["Name", "BucketName", "KeyId"] {
            assert!(block["Properties"].get(name).is_none(), "{id}: {name}");
        }
    }
}

#[test]
fn whether_a_cluster_refuses_to_be_deleted_is_for_the_operator_to_say() {
    let stores = Template::data_stores();
    let protection = &stores.resource("Cluster")["Properties"]["DeletionProtection"];
    assert_eq!(protection["Ref"], "DeletionProtection");
    let main = Template::main();
    let passed = &main.resource("DataStores")["Properties"]["Parameters"]["DeletionProtection"];
    assert_eq!(passed["Ref"], "DatabaseDeletionProtection");
}
