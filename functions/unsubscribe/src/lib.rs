//! The way out: who has a letter can stop further ones, without a login, and come back the same way.
//!
//! A letter's link names a contact and carries a keyed tag, so whoever has it may decide for that contact, however old the
//! letter is. A GET only shows a page, because mail scanners follow links; a POST decides: from that page's button, or
//! from a mail program by itself (RFC 8058). Nothing here shows, logs or asks for an address.

pub mod http;
mod pace;
mod pages;

use std::net::IpAddr;

use futures_util::FutureExt;
use shared::{clock::Clock, consent, links::LinkKeys, records::Records};

use self::{
    http::{Answer, Method, Request},
    pace::Pace,
    pages::{Language, Page},
};

/// The function's name.
pub const JOB: &str = "unsubscribe";

/// The door and what it stands on.
#[derive(Debug)]
pub struct Door {
    records: Records,
    keys: LinkKeys,
    clock: Clock,
    pace: Pace,
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

impl Door {
    /// A door to these records, whose keys have signed the links.
    pub async fn new(records: Records, clock: Clock) -> anyhow::Result<Self> {
        let keys = LinkKeys::of(&records).await?;
        Ok(Self { records, keys, clock, pace: Pace::default() })
    }

    /// Answers a request.
    pub async fn answer(&self, request: &Request) -> Answer {
        let language = Language::preferred(&request.accept_language);
        if !request.source.is_none_or(|source| self.pace.admits(source)) {
            return pages::answer(429, Page::TooMany, language).retried_after(pace::WINDOW);
        }
        let Some((way, token)) = route(&request.path) else { return pages::answer(404, Page::Nothing, language) };
        let Ok(contact) = self.keys.read_unsubscribe(token) else {
            tracing::info!("a link that is none of ours");
            return pages::answer(404, Page::Nothing, language);
        };
        match (request.method, way) {
            (Method::Get, Way::Out) => pages::answer(200, Page::AskOut { token }, language),
            (Method::Get, Way::Back) => pages::answer(200, Page::AskBack { token }, language),
            (Method::Post, way) => self.decide(contact, way, token, language).await,
            (Method::Other, _) => pages::answer(405, Page::Nothing, language).allowing("GET, HEAD, POST"),
        }
    }

    /// Does what a link is for. Doing it again changes nothing, and a contact that is gone gets no more letters either.
    async fn decide(&self, contact: i64, way: Way, token: &str, language: Language) -> Answer {
        let at = self.clock.now();
        let decided = self.records.transaction(move |tx| {
            async move {
                match way {
                    Way::Out => consent::unsubscribe(tx, contact, at).await,
                    Way::Back => consent::resubscribe(tx, contact).await,
                }
            }
            .boxed()
        });
        match decided.await {
            Ok(changed) => {
                tracing::info!(contact, changed, way = ?way, "decided");
                match way {
                    Way::Out => pages::answer(200, Page::Out { token }, language),
                    // What stands against a contact beside its own wish is not its to lift.
                    Way::Back if changed => pages::answer(200, Page::Back { token }, language),
                    Way::Back => pages::answer(200, Page::NotBack, language),
                }
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "could not be decided");
                pages::answer(503, Page::Later, language).retried_after(pace::WINDOW)
            }
        }
    }
}

/// What a path is for, and the token that it ends in: `/unsubscribe/CONTACT.TAG`, below any prefix.
fn route(path: &str) -> Option<(Way, &str)> {
    let (before, token) = path.trim_end_matches('/').rsplit_once('/')?;
    match before.rsplit('/').next()? {
        "unsubscribe" => Some((Way::Out, token)),
        "resubscribe" => Some((Way::Back, token)),
        _ => None,
    }
}

/// Where a request comes from, as far as a proxy's word or the connection tells.
pub fn source_of(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok()
}
