//! SNS: `Publish` as a form, answered in XML.

use super::{
    Published, Service, State,
    server::{Asked, Reply, error},
};

const LONGEST_SUBJECT: usize = 100;

pub(super) fn publish(state: &mut State, asked: &Asked) -> Reply {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let subject = field("Subject");
    if subject.len() > LONGEST_SUBJECT || !subject.chars().all(|c| (' '..='~').contains(&c)) {
        return error(Service::Sns, 400, "InvalidParameter");
    }
    state.alerts.push(Published { to: field("TopicArn"), source: String::new(), subject, body: field("Message") });
    Reply::of(
        "text/xml",
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m</MessageId>\
         </PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>",
    )
}
