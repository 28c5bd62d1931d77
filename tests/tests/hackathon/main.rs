//! Hackathon monitors, and the Hub that they tell.

mod client;
mod monitors;
mod reports;
mod support;
