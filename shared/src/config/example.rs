//! `.env.example`, written from the table.

use std::fmt::Write as _;

use super::setting::{DefaultValue, Row};
use super::table::TABLE;

const HEAD: &str = "\
# Every setting of Almanac with its default. `almanac config` shows the values in force.
#
# Copy this file to .almanac/almanac.env, or anywhere and name it in ALMANAC_CONFIG. Environment variables win.
# A value may stand in '…' (as it is) or \"…\" (with \\\" and \\\\). An empty value counts as not set.
";

/// The text of `.env.example`: every setting with its default, its meaning and what a value looks like.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    let mut section = None;
    for row in TABLE {
        let about = row.about();
        if section != Some(about.section) {
            section = Some(about.section);
            text.push_str(&format!("\n# ---- {} ----\n", about.section.title()));
        }
        // Writing to a String cannot fail.
        let _ = describe(&mut text, *row);
    }
    text
}

fn describe(text: &mut String, row: &dyn Row) -> std::fmt::Result {
    let about = row.about();
    writeln!(text, "\n# {}", about.doc)?;
    writeln!(text, "# Value: {}.", row.expected())?;
    writeln!(text, "# Read by: {}.", about.read_by.join(", "))?;
    if about.environment_only {
        writeln!(text, "# Only as an environment variable.")?;
    }
    if let Some(former) = about.former {
        writeln!(text, "# Formerly: {former}.")?;
    }
    match about.default {
        DefaultValue::Fixed(default) => writeln!(text, "{}={default}", about.name),
        DefaultValue::Derived { rule, .. } => writeln!(text, "# Default: {rule}.\n# {}=", about.name),
        DefaultValue::Unset => writeln!(text, "# Default: not set.\n# {}=", about.name),
    }
}
