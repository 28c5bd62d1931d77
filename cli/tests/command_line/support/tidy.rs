//! Output with what differs from call to call taken out, for snapshots.

use super::machine::Machine;

/// The text with the machine's folder written as `<folder>`.
pub fn tidy(machine: &Machine, text: &str) -> String {
    text.replace(&machine.folder().display().to_string(), "<folder>")
}
