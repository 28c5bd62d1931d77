//! Templates.

/// A checked template.
#[derive(Debug)]
pub struct Template;
