//! The names under which a letter says what it is, so that what is said of it afterwards leads back to it.

/// The header with the letter's own name: the invitation's id, for a reminder followed by `/first` or `/second`.
pub const INVITATION: &str = "X-Almanac-Invitation";

/// The header with the attempt's id.
pub const ATTEMPT: &str = "X-Almanac-Attempt";

/// The provider's tag with the letter's own name, `_` standing for `/`.
pub const INVITATION_TAG: &str = "invitation";

/// The provider's tag with the attempt's id.
pub const ATTEMPT_TAG: &str = "attempt";
