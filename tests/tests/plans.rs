//! The databases find what the hot and the periodic queries ask for by an index: no query of theirs reads a whole table
//! that grows.
//!
//! The queries are taken from the code by running it: the server's own log of statements says which there were.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use shared::{
    process::Holder,
    queue::{Queue, RecordsQueue},
    records::{Records, Value},
    run::{close::try_close, control, plan::dispatch},
};
use tests::{
    ask::{all, execute, numbers},
    databases::TestDatabase,
};
