//! Listeners: a queue of a test's own that a rule of the bus, or a topic, delivers to.

use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::{Client, types::QueueAttributeName};
use serde_json::Value;
use shared::random;

use crate::stack::Stack;

/// Who listens.
#[derive(Debug)]
pub struct Listener {
    client: Client,
    url: String,
}

impl Listener {
    /// Listens to whatever Almanac says on the bus, from now on.
    pub async fn on_the_bus(stack: &Stack) -> Self {
        let (listener, arn) = Self::with_a_queue(stack).await;
        let (buses, name) = (stack.buses(), random::token());
        let rule = buses.put_rule().name(&name).event_bus_name(stack.bus()).event_pattern(r#"{"source":["almanac"]}"#);
        rule.send().await.expect("a rule");
        let target = Target::builder().id("listener").arn(arn).build().expect("an id and an ARN");
        buses.put_targets().rule(&name).event_bus_name(stack.bus()).targets(target).send().await.expect("a target");
        listener
    }

    /// Listens to what the topic of that ARN tells, from now on.
    pub async fn on_the_topic(stack: &Stack, topic: &str) -> Self {
        let (listener, arn) = Self::with_a_queue(stack).await;
        let subscribe = stack.topics().subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
        subscribe.send().await.expect("a subscription");
        listener
    }

    /// Listens to a queue that something delivers to already.
    pub fn on_the_queue(stack: &Stack, url: &str) -> Self {
        Self { client: stack.sqs(), url: url.to_owned() }
    }

    /// What was said since the last time, in no order.
    pub async fn heard(&self) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let messages = receive.wait_time_seconds(1).send().await.expect("a queue that answers").messages;
            let messages = messages.unwrap_or_default();
            if messages.is_empty() {
                return heard;
            }
            for message in messages {
                let body = message.body().expect("a body");
                heard.push(serde_json::from_str(body).expect("JSON"));
                let receipt = message.receipt_handle().expect("a receipt");
                let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
                delete.send().await.expect("a queue that answers");
            }
        }
    }

    async fn with_a_queue(stack: &Stack) -> (Self, String) {
        let client = stack.sqs();
        let made = client.create_queue().queue_name(format!("listener-{}", random::token())).send().await;
        let url = made.expect("a queue").queue_url.expect("its URL");
        let asked = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let attributes = asked.send().await.expect("its attributes").attributes.expect("one");
        let arn = attributes[&QueueAttributeName::QueueArn].clone();
        (Self { client, url }, arn)
    }
}
