//! Settings as each job sees them.

mod cleanup;
mod engine;
mod github;
mod health;
mod hub;
mod keeper;
mod load_tests;
mod mail;
mod memory;
mod planner;
mod ports;
mod prices;
mod probes;
mod reminders;
mod worker;

pub use cleanup::CleanupSettings;
pub use engine::{DatabaseSecret, EngineSettings, RecordsAt};
pub use github::{GitHubEntry, GitHubSettings};
pub use health::HealthSettings;
pub use hub::{CostSettings, HubSettings, MonitorSettings, TokenAt};
pub use keeper::KeeperSettings;
pub use load_tests::{LoadTestSettings, PrometheusAt};
pub use mail::{MailSettings, RateLimit};
pub use memory::MemorySettings;
pub use planner::PlannerSettings;
pub use ports::{DeliverySettings, NewsSettings, PageSettings, QueueSettings};
pub use prices::PriceSettings;
pub use probes::ProbeSettings;
pub use reminders::ReminderSettings;
pub use worker::WorkerSettings;
