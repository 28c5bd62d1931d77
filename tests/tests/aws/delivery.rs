//! Several news of one keeping in one call each way.

use std::sync::Arc;

use chrono_tz::Europe::Paris;
use shared::{
    clock::Clock,
    config::{DeliverySettings, Values},
    ports,
    run::deliver::deliver,
};
use tests::{
    ask::{self, texts},
    aws_fake::{AwsFake, Behaviour, Service},
    databases::TestDatabase,
    runs::{open_run, plan_by_hand, scheduled_at},
};

use crate::aws;

tests::contract!(the_due_news_of_one_keeping_are_one_call_and_each_is_noted_for_itself);

async fn the_due_news_of_one_keeping_are_one_call_and_each_is_noted_for_itself(database: &TestDatabase) {
    let fake = Arc::new(AwsFake::start().await);
    let clock = Clock::standing_at(scheduled_at());
    for planned in [0, 3, 0] {
        let run = open_run(database).await.id;
        plan_by_hand(database, run, planned, true).await;
        shared::run::close::try_close(database, &clock, run).await.expect("closing").expect("nothing is left to do");
    }
    let settings = [
        ("OBJECTS", "s3://almanac-objects"),
        ("ALERTS_TOPIC", "arn:aws:sns:eu-west-3:123456789012:almanac-alerts"),
        ("EVENT_BUS", "almanac"),
    ];
    let settings: DeliverySettings = Values::gather(settings, None).read().expect("fine");
    let aws = aws(&fake);
    let objects = ports::objects(&settings.objects, &aws).await.expect("a client");
    let news = ports::news(&settings.news, &aws, database, &clock).await.expect("clients");
    fake.script(Service::EventBridge, |_, call| match call {
        0 => Behaviour::Entries(vec![(1, "MalformedDetail", true)]),
        _ => Behaviour::Accept,
    });

    // Three reports, seven events of which one is refused, and one alert.
    let delivered = deliver(database, objects.as_ref(), news.as_ref(), Some(Paris), 50).await.expect("delivered");
    assert_eq!((delivered, fake.count("PutEvents"), fake.count("Publish")), (10, 1, 1));
    assert_eq!(fake.objects().len(), 6);
    let left = texts(database, "SELECT error FROM outbox WHERE state = 'due'", vec![]).await;
    assert_eq!(left, ["EventBridge, at the bus that EVENT_BUS names: MalformedDetail"]);
    assert_eq!(ask::number(database, "SELECT COUNT(*) FROM news", vec![]).await, 0);

    database.shift_lease_clock(std::time::Duration::from_secs(5));
    let again = deliver(database, objects.as_ref(), news.as_ref(), Some(Paris), 50).await.expect("delivered");
    assert_eq!((again, fake.events().len()), (1, 7));
    let mut subjects: Vec<_> = fake.events().into_iter().map(|event| event.subject).collect();
    subjects.sort_unstable();
    let started = ["job-started"; 3];
    assert_eq!(
        subjects,
        [&["alerts-triggered", "job-completed", "job-completed", "job-failed"][..], &started].concat()
    );
}
