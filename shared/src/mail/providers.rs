//! Which providers a process sends through, in which order, and in whose name.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::Mailer;
use super::folder::FolderMailer;
use super::null::NullMailer;
use super::ses::{SesMailer, SesSettings};
use super::smtp::{SmtpMailer, SmtpSettings};
use crate::email_address::EmailAddress;

/// In whose name mails go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The address of the `From` header and of the SMTP envelope.
    pub address: EmailAddress,
    /// The name beside it; may be empty.
    pub name: String,
}

/// One provider as a setting names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// `dir:PATH`: a folder of `.eml` files.
    Dir(PathBuf),
    /// `null:`: mails are built and thrown away.
    Null,
    /// `smtp://HOST:PORT` or `smtps://HOST:PORT`.
    Smtp(SmtpSettings),
    /// `ses:` or, for another endpoint, `ses+http://HOST:PORT`.
    Ses(SesSettings),
}

/// A value that names no provider. It never shows a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("mail provider {value:?}: {problem}")]
pub struct InvalidProvider {
    value: String,
    problem: String,
}

const EXPECTED: &str = "expected dir:PATH, null:, smtp://HOST:PORT, smtps://HOST:PORT, ses: or ses+http://HOST:PORT";

impl Provider {
    /// Reads a comma-separated list. The first provider is used as long as it works.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, InvalidProvider> {
        list.split(',').map(str::trim).map(Self::parse).collect()
    }

    /// Whether mails reach people, so that what they say about their sender must be true.
    pub fn is_real(&self) -> bool {
        match self {
            Self::Dir(_) | Self::Null => false,
            Self::Smtp(_) | Self::Ses(_) => true,
        }
    }

    fn parse(value: &str) -> Result<Self, InvalidProvider> {
        let (scheme, rest) = value.split_once(':').unwrap_or((value, ""));
        let parsed = match scheme {
            "dir" if rest.is_empty() => Err("a path is missing after dir:".to_owned()),
            "dir" => Ok(Self::Dir(rest.into())),
            "null" if value == "null:" => Ok(Self::Null),
            "smtp" | "smtps" => SmtpSettings::parse(value).map(Self::Smtp),
            "ses" | "ses+http" | "ses+https" => SesSettings::parse(value).map(Self::Ses),
            _ => Err(EXPECTED.to_owned()),
        };
        parsed.map_err(|problem| InvalidProvider { value: without_login(value), problem })
    }

    async fn open(&self, sender: &Sender) -> anyhow::Result<Arc<dyn Mailer>> {
        Ok(match self {
            Self::Dir(path) => Arc::new(FolderMailer::new(path, sender)?),
            Self::Null => Arc::new(NullMailer),
            Self::Smtp(settings) => Arc::new(SmtpMailer::new(settings.clone(), sender)?),
            Self::Ses(settings) => Arc::new(SesMailer::new(settings, sender).await?),
        })
    }
}

/// The mailers of a list of providers, in its order.
pub async fn mailers(providers: &[Provider], sender: &Sender) -> anyhow::Result<Vec<Arc<dyn Mailer>>> {
    let mut mailers = Vec::new();
    for provider in providers {
        mailers.push(provider.open(sender).await.context("opening a mail provider")?);
    }
    Ok(mailers)
}

/// The value as an error may show it: user and password are left out, whatever shape the rest has.
fn without_login(value: &str) -> String {
    match (value.split_once(':'), value.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Provider, mailers};
    use crate::email_address::EmailAddress;
    use crate::mail::providers::Sender;

    fn problem(list: &str) -> String {
        Provider::parse_list(list).expect_err("a wrong list").to_string()
    }

    #[tokio::test]
    async fn providers_are_opened_in_the_order_of_the_list() {
        let dir = tempfile::tempdir().expect("a folder");
        let list = format!("smtp://127.0.0.1:2525?connections=8, dir:{},null:", dir.path().display());
        let address = EmailAddress::parse("invitations@almanac.example").expect("well formed");
        let providers = Provider::parse_list(&list).expect("well formed");
        let opened = mailers(&providers, &Sender { address, name: String::new() }).await.expect("well formed");
        assert_eq!(opened.iter().map(|mailer| mailer.name()).collect::<Vec<_>>(), ["smtp", "dir", "null"]);
    }

    #[test]
    fn a_wrong_value_is_named_with_what_was_expected() {
        insta::assert_snapshot!(problem("null:,smpt://host:25"), @r#"mail provider "smpt://host:25": expected dir:PATH, null:, smtp://HOST:PORT, smtps://HOST:PORT, ses: or ses+http://HOST:PORT"#);
        insta::assert_snapshot!(problem(""), @r#"mail provider "": expected dir:PATH, null:, smtp://HOST:PORT, smtps://HOST:PORT, ses: or ses+http://HOST:PORT"#);
        insta::assert_snapshot!(problem("dir:"), @r#"mail provider "dir:": a path is missing after dir:"#);
        insta::assert_snapshot!(problem("smtp://"), @r#"mail provider "smtp://": a host is missing"#);
        insta::assert_snapshot!(problem("smtp://host:25?tls=maybe"), @r#"mail provider "smtp://host:25?tls=maybe": tls is none, opportunistic or required"#);
        insta::assert_snapshot!(problem("smtp://host:25?connections=65"), @r#"mail provider "smtp://host:25?connections=65": connections is a number from 1 to 64"#);
        insta::assert_snapshot!(problem("smtp://host:25?speed=9"), @r#"mail provider "smtp://host:25?speed=9": speed is not an option: use tls, connections or timeout"#);
        insta::assert_snapshot!(problem("ses:host"), @r#"mail provider "ses:host": ses: takes no host: the region comes from AWS_REGION"#);
        insta::assert_snapshot!(problem("ses+http://"), @r#"mail provider "ses+http://": a host is missing"#);
    }

    #[test]
    fn no_error_and_no_debug_output_shows_a_password() {
        for wrong in ["smtp://ada:hunter2@host:25?tls=none", "smtp://ada:hunter2@host:x", "smpt:ada:hunter2@host"] {
            let problem = problem(wrong);
            assert!(!problem.contains("hunter2") && !problem.contains("ada"), "{problem}");
        }
        let provider = Provider::parse_list("smtp://ada:hunter2@host:25").expect("well formed");
        assert!(!format!("{provider:?}").contains("hunter2"));
    }
}
