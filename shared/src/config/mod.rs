//! Settings: typed, from the environment and an optional file.
//!
//! [`table`] names every setting once. [`Values`] gathers what is set, and a group such as [`PlannerSettings`] reads
//! its own part of it, so that a setting of one job never stops another. Whatever is wrong is reported together, a
//! line each: the name, what is wrong, what was expected, and where the value came from.
//!
//! ```
//! use shared::config::{EngineSettings, PlannerSettings, PriceSettings, Values};
//!
//! let values = Values::gather([("SCHEDULER_MONTHLY_JOB_DAY", "12")], None);
//! let (engine, planner) = values.read::<(EngineSettings, PlannerSettings)>()?;
//! assert_eq!((planner.day, planner.hour), (12, 18));
//! assert_eq!(engine.home.to_str(), Some(".almanac"));
//! # Ok::<(), shared::config::Problems>(())
//! ```

mod env_file;
mod example;
mod groups;
mod host;
mod kinds;
mod listing;
mod mask;
mod nearest;
mod problem;
mod reader;
mod rules_file;
mod setting;
pub mod table;
#[cfg(test)]
mod tests;
mod values;

pub use env_file::EnvFile;
pub use example::example;
pub use groups::{
    CleanupSettings, CostSettings, DatabaseSecret, DeliverySettings, EngineSettings, GitHubEntry, GitHubSettings,
    HealthSettings, HubSettings, KeeperSettings, LoadTestSettings, MailSettings, MemorySettings, MonitorSettings,
    NewsSettings, PageSettings, PlannerSettings, PriceSettings, ProbeSettings, PrometheusAt, QueueSettings, RateLimit,
    RecordsAt, ReminderSettings, TokenAt, WorkerSettings,
};
pub use host::Host;
pub use kinds::{
    Address, AlertsAt, AlertsPlace, ApiKeyKind, BaseUrl, BaseUrlKind, Database, DatabaseKind, DatabaseName, EventsAt,
    EventsPlace, Folder, Fraction, HostName, Kind, Moment, MySqlUrl, Networks, ObjectsAt, ObjectsPlace, QueueAt,
    QueuePlace, RedisUrl, SecretArn, SecretName, SecretStore, SendLogAt, SendLogPlace, ServiceUrlKind, Switch, Text,
    Token, TokenKind, Transports, UserAgent, Whole, Wrong, Zone,
};
pub use listing::{Listed, Listing};
pub use nearest::nearest;
pub use problem::{Origin, Problem, Problems};
pub use reader::{Group, Reader};
pub use rules_file::RulesFile;
pub use setting::{About, DefaultValue, Row, Section, Setting};
pub use values::Values;
