//! What imports promise, on a SQLite file and on a MySQL or MariaDB server.

mod databases;
mod import;
mod made_up;
mod tighten;
