//! What all workers together may send: the send log on every store, what the quota makes of SES's word and of what comes
//! back, and a month's letters through workers that keep to it.

mod limits;
mod log;
mod month;
mod reputation;
mod stores;
