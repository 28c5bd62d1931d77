//! Stand-ins for what Almanac talks to: real servers on real sockets, which can be told to misbehave. And databases of
//! a test's own, with people in them.

pub mod ask;
pub mod attempts;
pub mod aws_fake;
pub mod cleaning;
pub mod conditions;
pub mod cycle;
pub mod databases;
pub mod dice;
pub mod gate;
pub mod github_fake;
mod http;
pub mod hub_fake;
pub mod lambda_fleet;
pub mod lambda_host;
pub mod letters;
pub mod monitoring;
pub mod own_server;
pub mod people;
pub mod polls;
pub mod prometheus;
pub mod provider_feedback;
pub mod queues;
pub mod reminding;
pub mod response_bucket;
pub mod row_lock;
pub mod runs;
pub mod scripted_mailer;
pub mod ses_fake;
pub mod smtp_sink;
pub mod sqs_pump;
pub mod tally;
