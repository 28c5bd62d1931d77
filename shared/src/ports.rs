//! Which queue, objects and news stand behind the ports, as the settings say. A client of AWS is made only for what is
//! there, once per cold start.

use std::sync::Arc;

use crate::{
    aws::{Aws, Patience, eventbridge::EventBridgeNews, s3::S3Objects, sns::SnsNews, sqs::SqsQueue},
    clock::Clock,
    config::{AlertsAt, EventsAt, NewsSettings, ObjectsAt, PageSettings, QueueAt, QueueSettings, table},
    news::{ByKind, News, RecordsNews},
    objects::{FolderObjects, Objects},
    queue::{Queue, RecordsQueue},
    records::Records,
};

/// The invitation worker's queue, to send to.
pub async fn invitations(settings: &QueueSettings, aws: &Aws, records: &Records) -> anyhow::Result<Arc<dyn Queue>> {
    Ok(match &settings.invitations {
        QueueAt::Records => Arc::new(RecordsQueue::invitations(records.clone())),
        QueueAt::Sqs(url) => {
            let setting = table::INVITATIONS_QUEUE.about.name;
            Arc::new(SqsQueue::new(aws, url, setting, Patience::SMALL).await?)
        }
    })
}

/// The queue by which a monitor hands pages of teams to workers; none where it measures them all. What the records keep,
/// they know without a message.
pub async fn pages(settings: &PageSettings, aws: &Aws) -> anyhow::Result<Option<Arc<dyn Queue>>> {
    Ok(match &settings.queue {
        None | Some(QueueAt::Records) => None,
        Some(QueueAt::Sqs(url)) => {
            Some(Arc::new(SqsQueue::new(aws, url, table::MONITOR_QUEUE.about.name, Patience::SMALL).await?))
        }
    })
}

/// Where reports go, and what is archived.
pub async fn objects(at: &ObjectsAt, aws: &Aws) -> anyhow::Result<Arc<dyn Objects>> {
    Ok(match at {
        ObjectsAt::Folder(folder) => Arc::new(FolderObjects::new(folder)?),
        ObjectsAt::S3 { bucket, prefix } => {
            let setting = table::OBJECTS.about.name;
            Arc::new(S3Objects::new(aws, bucket, prefix, setting, Patience::FILE).await?)
        }
    })
}

/// Where events and alerts go.
pub async fn news(
    settings: &NewsSettings,
    aws: &Aws,
    records: &Records,
    clock: &Clock,
) -> anyhow::Result<Arc<dyn News>> {
    let in_records: Arc<dyn News> = Arc::new(RecordsNews::new(records.clone(), clock.clone()));
    let alerts = match &settings.alerts {
        AlertsAt::Records => in_records.clone(),
        AlertsAt::Sns(topic) => {
            Arc::new(SnsNews::new(aws, topic, table::ALERTS_TOPIC.about.name, Patience::SMALL).await?)
        }
    };
    let events = match &settings.events {
        EventsAt::Records => in_records,
        EventsAt::EventBridge(bus) => {
            Arc::new(EventBridgeNews::new(aws, bus, table::EVENT_BUS.about.name, Patience::SMALL).await?)
        }
    };
    Ok(Arc::new(ByKind { alerts, events }))
}
