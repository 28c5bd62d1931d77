//! wires

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the command that imports comes next"))]
mod import;

fn main() {}
