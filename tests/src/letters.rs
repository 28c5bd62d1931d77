//! Letters for tests: only what a test cares about has to be said.

use std::sync::Arc;

use shared::email_address::EmailAddress;
use shared::letters::LetterKind;
use shared::mail::providers::{self, Provider, Sender};
use shared::mail::template::{EmailTemplate, Locale, Template, Templates};
use shared::mail::words::InvitationWords;
use shared::mail::{Answer, Call, Letter, Mailer};

/// A sender at Almanac's own example domain.
pub fn sender() -> Sender {
    Sender { address: address("invitations@almanac.example"), name: "Almanac – Invitations".to_owned() }
}

/// The first mailer of a well-formed list of providers.
pub async fn mailer(list: &str) -> anyhow::Result<Arc<dyn Mailer>> {
    let providers = Provider::parse_list(list).expect("a well-formed list");
    Ok(providers::mailers(&providers, &sender()).await?.remove(0))
}

/// A well-formed address.
pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("a well-formed address")
}

/// The letter of the invitation `message` to `ada<message>@example.org`, with usual words.
pub fn letter(message: &str) -> Letter {
    let words = InvitationWords {
        first_name: "Zoé",
        sender_name: "Jürgen Ångström",
        custom_message: "À bientôt & merci !\n🦀",
        link: "https://almanac.example/i/7.c2VjcmV0LXRva2VuLW9mLTMyLWJ5dGVzLWluLWJhc2U2NA".to_owned(),
        short_code: "K7QF2M9P".to_owned(),
        expires_on: chrono::NaiveDate::from_ymd_opt(2027, 1, 4).expect("a day"),
        unsubscribe_url: "https://almanac.example/u/7.c2VjcmV0".to_owned(),
    };
    Letter {
        message: message.to_owned(),
        to: address(&format!("ada{}@example.org", message.replace('/', "-"))),
        values: words.values(Locale::French),
    }
}

/// Letters `1` to `count`.
pub fn letters(count: usize) -> Vec<Letter> {
    (1..=count).map(|number| letter(&number.to_string())).collect()
}

/// Hands `letters` to `mailer` in one call with the friendly French template.
pub async fn send(mailer: &dyn Mailer, letters: &[Letter]) -> Vec<Answer> {
    let templates = Templates::embedded();
    send_as(
        mailer,
        "attempt-1",
        templates.get(LetterKind::Invitation, EmailTemplate::Friendly, Locale::French),
        letters,
    )
    .await
}

/// Hands `letters` to `mailer` in one call.
pub async fn send_as(mailer: &dyn Mailer, attempt: &str, template: &Template, letters: &[Letter]) -> Vec<Answer> {
    let letters: Vec<&Letter> = letters.iter().collect();
    mailer.send(Call { attempt, template, letters: &letters }).await
}
