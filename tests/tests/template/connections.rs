//! The connections that functions may hold, against the budget that the template declares.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    read,
    template::{Given, Template},
};

/// The connections that Aurora MySQL allows when it may grow to 8 capacity units, the least that the template lets it.
const ALLOWED_BY_AURORA: u64 = 1_000;

/// The numbers of workers that a monitor may have, the largest last.
fn page_workers(template: &Template) -> Vec<Value> {
    template.section("Parameters")["PageWorkers"]["AllowedValues"].as_array().expect("a list").clone()
}

fn most_workers(template: &Template) -> Given {
    let most = template.section("Parameters")["WorkerConcurrency"]["MaxValue"].clone();
    let of_pages = page_workers(template).pop().expect("a largest");
    Given::from([("WorkerConcurrency", most), ("PageWorkers", of_pages), ("ReserveConcurrency", json!("true"))])
}

fn declared(template: &Template, what: &str) -> u64 {
    template.section("Mappings")["Connections"]["Records"][what].as_u64().expect("a number")
}

#[test]
fn an_instance_holds_as_many_connections_as_the_template_says() {
    let per_instance = declared(&Template::main(), "PerInstance");
    let constant = format!("const CONNECTIONS: u32 = {per_instance};");
    assert!(read("shared/src/startup.rs").contains(&constant), "shared/src/startup.rs has no {constant}");
}

#[test]
fn with_as_many_workers_as_are_allowed_the_budget_holds() {
    let template = Template::main();
    let given = most_workers(&template);
    let instances: u64 = template
        .functions()
        .iter()
        .map(|function| template.number(&function.block["Properties"]["ReservedConcurrentExecutions"], &given))
        .sum();
    let (connections, budget) = (instances * declared(&template, "PerInstance"), declared(&template, "Budget"));
    assert!(connections <= budget, "{instances} instances hold {connections} connections of {budget}");
}

#[test]
fn the_mappings_of_a_function_start_no_more_than_it_may() {
    let template = Template::main();
    let few = page_workers(&template).into_iter().map(|few| Given::from([("PageWorkers", few)]));
    let fewest = Given::from([("WorkerConcurrency", json!(2))]);
    for given in few.chain([fewest, most_workers(&template)]) {
        let mut started: BTreeMap<&str, u64> = BTreeMap::new();
        for event in template.events().iter().filter(|event| event.kind == "SQS") {
            let most = template.number(&event.properties["ScalingConfig"]["MaximumConcurrency"], &given);
            *started.entry(event.function.id).or_default() += most;
        }
        for (id, most) in started {
            let reserved = &template.resource(id)["Properties"]["ReservedConcurrentExecutions"];
            assert!(most <= template.number(reserved, &given), "{id} is throttled");
        }
    }
}

#[test]
fn the_proxy_may_open_what_the_budget_wants() {
    let stores = Template::data_stores();
    let percent = "/Properties/ConnectionPoolConfigurationInfo/MaxConnectionsPercent";
    let percent = stores.resource("ProxyTarget").pointer(percent).and_then(Value::as_u64).expect("a share");
    assert!(ALLOWED_BY_AURORA * percent / 100 >= declared(&Template::main(), "Budget"));
    for least in [
        &stores.section("Parameters")["MaxCapacity"]["MinValue"],
        &Template::main().section("Parameters")["DatabaseMaxCapacity"]["MinValue"],
    ] {
        assert_eq!(
            least.as_u64(),
            Some(8),
            "with fewer units Aurora allows fewer than {ALLOWED_BY_AURORA} connections"
        );
    }
}
