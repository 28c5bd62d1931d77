//! Hackathon monitors, and the Hub that they tell.

mod client;
mod costs;
mod git;
mod health;
mod looking;
mod monitors;
mod pages;
mod reports;
mod retention;
mod settling;
mod support;
