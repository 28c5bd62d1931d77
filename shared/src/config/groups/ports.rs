//! Which queue, objects and news stand behind the ports.

use super::super::kinds::{AlertsAt, EventsAt, ObjectsAt, QueueAt};
use super::super::reader::{Group, Reader};
use super::super::table::{ALERTS_TOPIC, EVENT_BUS, INVITATIONS_QUEUE, MONITOR_QUEUE, OBJECTS};

/// Where the messages of batches go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// The invitation worker's queue.
    pub invitations: QueueAt,
}

impl Group for QueueSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { invitations: reader.value(&INVITATIONS_QUEUE)? })
    }
}

/// Where the messages of pages of teams go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSettings {
    /// The monitor's queue, where it has one.
    pub queue: Option<QueueAt>,
}

impl Group for PageSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { queue: reader.optional(&MONITOR_QUEUE)? })
    }
}

/// Where events and alerts go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsSettings {
    /// Where alerts go.
    pub alerts: AlertsAt,
    /// Where events and requests for runs go.
    pub events: EventsAt,
}

impl Group for NewsSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let alerts = reader.value(&ALERTS_TOPIC);
        let events = reader.value(&EVENT_BUS);
        Some(Self { alerts: alerts?, events: events? })
    }
}

/// Where what a closed run has to say goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySettings {
    /// Where reports go.
    pub objects: ObjectsAt,
    /// Where events and alerts go.
    pub news: NewsSettings,
}

impl Group for DeliverySettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let objects = reader.value(&OBJECTS);
        let news = NewsSettings::read(reader);
        Some(Self { objects: objects?, news: news? })
    }
}
