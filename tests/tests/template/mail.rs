//! The identity that letters come from, where the stack makes it.

use serde_json::{Value, json};

use crate::template::{Given, Template};

fn created(identity: &str) -> Given {
    Given::from([("EmailIdentity", json!(identity)), ("EmailIdentityIs", json!("created"))])
}

#[test]
fn a_domain_signs_by_records_that_the_outputs_tell_and_an_address_does_not() {
    let template = Template::main();
    let signs = |given: &Given| {
        let attributes = &template.resource("MailIdentity")["Properties"]["DkimSigningAttributes"];
        template.resolve(attributes, given) != Value::Null
    };
    let tells = |given: &Given| {
        ["DkimRecord1", "DkimRecord2", "DkimRecord3"].map(|output| {
            template.holds(&json!({"Condition": template.section("Outputs")[output]["Condition"]}), given)
        })
    };
    for (identity, domain) in [("example.com", true), ("mail.example.com", true), ("invitations@example.com", false)] {
        let given = created(identity);
        assert_eq!((signs(&given), tells(&given)), (domain, [domain; 3]), "{identity}");
    }
    let existing = Given::from([("EmailIdentity", json!("example.com"))]);
    assert_eq!(tells(&existing), [false; 3]);
}
