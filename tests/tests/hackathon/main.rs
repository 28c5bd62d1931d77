//! Hackathon monitors, and the Hub that they tell.

mod client;
mod costs;
mod git;
mod health;
mod monitors;
mod reports;
mod retention;
mod settling;
mod support;
