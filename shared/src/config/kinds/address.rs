//! An e-mail address as a setting.

use super::{Kind, Wrong};
use crate::email_address::EmailAddress;

/// A bare e-mail address.
#[derive(Debug)]
pub struct Address;

impl Kind for Address {
    type Value = EmailAddress;

    fn parse(&self, text: &str) -> Result<EmailAddress, Wrong> {
        EmailAddress::parse(text).map_err(|error| Wrong::unsaid(error.to_string()))
    }

    fn expected(&self) -> String {
        "a bare e-mail address, such as invitations@example.org".to_owned()
    }
}
