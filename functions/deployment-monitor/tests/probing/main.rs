//! Probing real servers over real sockets, well-behaved and not.

mod authority;
mod faults;
mod forgery;
mod many_teams;
mod server;
mod support;
mod ticket_shop;
