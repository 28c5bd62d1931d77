//! What Almanac says on the bus, as `infra/events` describes it.

pub mod alerts;
