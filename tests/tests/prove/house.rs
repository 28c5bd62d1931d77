//! What a proof stands on: the stack, records of its own, the functions' binaries, and a stand-in for SES.

use std::{collections::BTreeSet, sync::Arc};

use aws_sdk_s3::types::ServerSideEncryption;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use serde_json::{Value, json};
use shared::run::State;
use tests::{
    databases::TestDatabase,
    lambda_fleet::LambdaFleet,
    lambda_host::Answer,
    runs,
    ses_fake::SesFake,
    sqs_pump::{Function, Seen, SqsPump},
};

use crate::{heard::Listener, stack::Stack};

/// Users of a batch: few, so that there are many batches.
const BATCH_SIZE: &str = "3";

/// All that a proof stands on.
pub struct House {
    /// Where the queues, the bucket, the topic and the bus are.
    pub stack: Stack,
    /// The records.
    pub database: TestDatabase,
    /// Where letters go.
    pub ses: SesFake,
    /// Hears the bus.
    pub bus: Listener,
    /// Hears the alerts.
    pub alerts: Listener,
    planner: Arc<LambdaFleet>,
    keeper: Arc<LambdaFleet>,
    worker: Arc<LambdaFleet>,
    dead_letters: Arc<LambdaFleet>,
    feedback: Arc<LambdaFleet>,
    migrate: Arc<LambdaFleet>,
}

impl House {
    /// The functions as the template has them; none has an instance yet.
    pub async fn with(database: TestDatabase) -> Self {
        let stack = Stack::of_the_environment();
        let ses = SesFake::start().await.expect("a server");
        let by_the_secret = keep_login(&stack, &database).await;
        let function = |job: &str, name: &str, value: String| {
            let mut environment = stack.environment(job);
            if !by_the_secret {
                environment.retain(|name, _| !name.starts_with("DATABASE_"));
                environment.insert("DATABASE_URL".to_owned(), database.url());
            }
            environment.insert(name.to_owned(), value);
            Arc::new(LambdaFleet::new(job, &stack.binary(job), environment))
        };
        let emulator = stack.endpoint().to_owned();
        Self {
            bus: Listener::on_the_bus(&stack).await,
            alerts: Listener::on_the_topic(&stack, stack.address("AlertsTopic")).await,
            planner: function("monthly-invitations", "SCHEDULER_BATCH_SIZE", BATCH_SIZE.to_owned()),
            // The emulator's SES takes no bulk call.
            worker: function("invitation-worker", "AWS_ENDPOINT_URL_SESV2", format!("http://{}", ses.address())),
            keeper: function("run-keeper", "AWS_ENDPOINT_URL", emulator.clone()),
            dead_letters: function("dead-letters", "AWS_ENDPOINT_URL", emulator.clone()),
            feedback: function("delivery-feedback", "AWS_ENDPOINT_URL", emulator.clone()),
            migrate: function("migrate", "AWS_ENDPOINT_URL", emulator),
            database,
            ses,
            stack,
        }
    }

    /// Asks for the migrations, as somebody does by hand: the emulator has no custom resource that would; gives the answer.
    pub async fn migrate(&self) -> Value {
        done(self.migrate.invoke(json!({"migrate": {}})).await)
    }

    /// Hands the planner an event; gives its answer.
    pub async fn plan(&self, event: Value) -> Value {
        done(self.planner.invoke(event).await)
    }

    /// Fires the keeper once; gives what it did.
    pub async fn keep(&self) -> Value {
        let event = include_str!("../../../events/run-keeper.json");
        done(self.keeper.invoke(serde_json::from_str(event).expect("an event")).await)
    }

    /// Pumps the invitations to the worker until the run is closed.
    pub async fn work_until_closed(&self, run: i64) -> Seen {
        let closed = || async { runs::find(&self.database, run).await.state != State::Open };
        self.pump("InvitationsQueue").run(self.worker(), closed).await
    }

    /// A mapping of the template at work.
    pub fn pump(&self, queue: &str) -> SqsPump {
        SqsPump::new(self.stack.sqs(), self.stack.mapping(queue))
    }

    /// The function invitation-worker.
    pub fn worker(&self) -> Arc<dyn Function> {
        self.worker.clone()
    }

    /// The function dead-letters.
    pub fn dead_letters(&self) -> Arc<dyn Function> {
        self.dead_letters.clone()
    }

    /// The function delivery-feedback.
    pub fn feedback(&self) -> Arc<dyn Function> {
        self.feedback.clone()
    }

    /// Publishes an event as SES does, through the stack's topic.
    pub async fn ses_says(&self, event: &Value) {
        let publish = self.stack.topics().publish().topic_arn(self.stack.address("FeedbackTopic"));
        publish.message(event.to_string()).send().await.expect("a topic that answers");
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.worker.idle()
    }

    /// Sends a message to a queue, as it is.
    pub async fn send(&self, queue: &str, body: &str) {
        let send = self.stack.sqs().send_message().queue_url(self.stack.address(queue)).message_body(body);
        send.send().await.expect("a queue that answers");
    }

    /// How many messages are in a queue, those that are invisible included.
    pub async fn depth(&self, queue: &str) -> usize {
        let counts = [Attribute::ApproximateNumberOfMessages, Attribute::ApproximateNumberOfMessagesNotVisible];
        let asked = self.stack.sqs().get_queue_attributes().queue_url(self.stack.address(queue));
        let attributes = asked.set_attribute_names(Some(counts.to_vec())).send().await.expect("a queue that answers");
        let attributes = attributes.attributes.expect("counts");
        counts.iter().map(|count| attributes[count].parse::<usize>().expect("a number")).sum()
    }

    /// The report of a run, from the bucket.
    pub async fn report(&self, run: i64) -> Value {
        let (buckets, bucket) = (self.stack.buckets(), self.stack.address("Objects"));
        let listed = buckets.list_objects_v2().bucket(bucket).send().await.expect("a bucket that answers");
        let name = format!("/run-{run}.json");
        let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
        let key = keys.iter().find(|key| key.ends_with(&name)).unwrap_or_else(|| panic!("{name} among {keys:?}"));
        let object = buckets.get_object().bucket(bucket).key(*key).send().await.expect("an object");
        assert_eq!(object.server_side_encryption, Some(ServerSideEncryption::AwsKms), "as the template has it");
        let body = object.body.collect().await.expect("its content").into_bytes();
        serde_json::from_slice(&body).expect("JSON")
    }

    /// The different addresses that letters were sent to.
    pub fn addresses(&self) -> BTreeSet<String> {
        let calls = self.ses.bodies();
        let calls = calls.iter().map(|call| serde_json::from_slice::<Value>(call).expect("JSON"));
        let entries = calls.flat_map(|call| call["BulkEmailEntries"].as_array().cloned().unwrap_or_default());
        let to = |entry: Value| entry["Destination"]["ToAddresses"][0].as_str().expect("an address").to_owned();
        entries.map(to).collect()
    }

    /// What all functions have written until now.
    pub fn logs(&self) -> String {
        let functions = [&self.migrate, &self.planner, &self.worker, &self.keeper, &self.dead_letters, &self.feedback];
        functions.map(|function| function.output()).concat()
    }
}

/// Puts the database's login into the secret that the template gives every function; gives whether it has one.
async fn keep_login(stack: &Stack, database: &TestDatabase) -> bool {
    let Some(login) = database.login().await else { return false };
    let secret = json!({
        "engine": "mariadb",
        "username": login.username,
        "password": login.password,
        "host": login.host,
        "port": login.port,
        "dbname": login.database,
    });
    let arn = &stack.environment("run-keeper")["DATABASE_SECRET"];
    let put = stack.secrets().put_secret_value().secret_id(arn).secret_string(secret.to_string());
    put.send().await.expect("a secret that is there");
    true
}

fn done(answer: Answer) -> Value {
    match answer {
        Answer::Response(response) => response,
        Answer::Error(error) => panic!("{error}"),
    }
}

/// The faults of an event of the bus, by the schema that is kept for its kind.
pub fn faults(event: &Value) -> Vec<String> {
    let kind = event["detail-type"].as_str().expect("a detail-type");
    let schema = format!("{}/../infra/events/{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = std::fs::read_to_string(&schema).unwrap_or_else(|error| panic!("the schema of {kind}: {error}"));
    let schema = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let event = json!({"source": event["source"], "detail-type": kind, "detail": event["detail"]});
    validator.iter_errors(&event).map(|error| format!("{kind}: {error}")).collect()
}
