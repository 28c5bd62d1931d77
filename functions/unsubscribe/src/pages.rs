//! The pages, in French and English: a sentence and a button, readable without a script, a font or a picture.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::http::Answer;

const STYLE: &str = include_str!("page.css");

/// What a browser may load for these pages: nothing; and their buttons lead back here.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    French,
    English,
}

impl Language {
    /// The one of both that a browser likes more; French where it does not say, as letters do.
    pub(crate) fn preferred(accept_language: &str) -> Self {
        let mut best = (Self::French, 0.0);
        for range in accept_language.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let language = match tag.split('-').next().map(str::to_ascii_lowercase).as_deref() {
                Some("fr") => Self::French,
                Some("en") => Self::English,
                _ => continue,
            };
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }

    fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }
}

/// What a page is about. A token leads on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page<'t> {
    AskOut { token: &'t str },
    Out { token: &'t str },
    AskBack { token: &'t str },
    Back { token: &'t str },
    NotBack,
    Nothing,
    TooMany,
    Later,
}

/// The words of a page: what it says first, and then, and on its button.
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
}

impl Page<'_> {
    /// Where its button leads, relative to any of these pages.
    fn action(&self) -> Option<String> {
        match self {
            Self::AskOut { token } | Self::Back { token } => Some(format!("../unsubscribe/{token}")),
            Self::Out { token } | Self::AskBack { token } => Some(format!("../resubscribe/{token}")),
            Self::NotBack | Self::Nothing | Self::TooMany | Self::Later => None,
        }
    }

    fn words(&self, language: Language) -> Words {
        let words = |title, text, button| Words { title, text, button };
        match (self, language) {
            (Self::AskOut { .. }, Language::French) => words(
                "Ne plus recevoir ces lettres ?",
                "Vous ne recevrez plus d’invitations à cette adresse, de personne.",
                "Me désinscrire",
            ),
            (Self::AskOut { .. }, Language::English) => words(
                "Stop these letters?",
                "No more invitations will come to this address, from anybody.",
                "Unsubscribe",
            ),
            (Self::Out { .. }, Language::French) => words(
                "C’est fait.",
                "Vous ne recevrez plus d’invitations. Une lettre déjà partie peut encore arriver.",
                "C’était une erreur : me réinscrire",
            ),
            (Self::Out { .. }, Language::English) => words(
                "Done.",
                "You will get no more invitations. A letter that is on its way may still arrive.",
                "A mistake: subscribe again",
            ),
            (Self::AskBack { .. }, Language::French) => words(
                "Recevoir de nouveau ces lettres ?",
                "Les invitations reprendront le mois prochain.",
                "Me réinscrire",
            ),
            (Self::AskBack { .. }, Language::English) => {
                words("Get these letters again?", "Invitations will come again from next month on.", "Subscribe again")
            }
            (Self::Back { .. }, Language::French) => {
                words("Vous êtes réinscrit.", "Les invitations reprendront le mois prochain.", "Me désinscrire")
            }
            (Self::Back { .. }, Language::English) => {
                words("You are subscribed again.", "Invitations will come again from next month on.", "Unsubscribe")
            }
            (Self::NotBack, Language::French) => words(
                "Rien n’a changé.",
                "Ou bien vous étiez inscrit, ou bien autre chose s’y oppose : écrivez à la personne qui vous invite.",
                "",
            ),
            (Self::NotBack, Language::English) => words(
                "Nothing has changed.",
                "Either you were subscribed, or something else stands against it: ask whoever invites you.",
                "",
            ),
            (Self::Nothing, Language::French) => {
                words("Ce lien n’est pas valable.", "Ouvrez-le de nouveau depuis la lettre, en entier.", "")
            }
            (Self::Nothing, Language::English) => {
                words("This link is not valid.", "Open it from the letter again, the whole of it.", "")
            }
            (Self::TooMany, Language::French) => {
                words("Un instant.", "Trop de demandes : réessayez dans une minute.", "")
            }
            (Self::TooMany, Language::English) => words("One moment.", "Too many requests: try again in a minute.", ""),
            (Self::Later, Language::French) => {
                words("Cela n’a pas marché.", "Votre demande n’a pas pu être notée : réessayez dans une minute.", "")
            }
            (Self::Later, Language::English) => {
                words("That did not work.", "Your wish could not be noted: try again in a minute.", "")
            }
        }
    }
}

/// The answer that is this page.
pub(crate) fn answer(status: u16, page: Page<'_>, language: Language) -> Answer {
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-language", language.tag()),
        ("vary", "accept-language"),
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        // The path is a key: no other site is to see it, and no search engine to keep it.
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-content-type-options", "nosniff"),
    ];
    let headers: BTreeMap<_, _> = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    Answer { status, headers, body: markup(page, language).into_string() }
}

fn markup(page: Page<'_>, language: Language) -> Markup {
    let words = page.words(language);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (words.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (words.title) }
                    p { (words.text) }
                    @if let Some(action) = page.action() {
                        form method="post" action=(action) { button type="submit" { (words.button) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_a_browser_likes_more() {
        for (said, expected) in [
            ("", Language::French),
            ("en-GB,en;q=0.9", Language::English),
            ("de, en;q=0.5, fr;q=0.4", Language::English),
            ("en;q=0.3, fr-CA;q=0.8", Language::French),
            ("de", Language::French),
            ("en;q=x;;,,", Language::English),
        ] {
            assert_eq!(Language::preferred(said), expected, "{said}");
        }
    }

    #[test]
    fn every_page_says_something_in_both_languages_and_leads_on_only_by_a_button() {
        let token = "7.tag";
        let pages = [
            Page::AskOut { token },
            Page::Out { token },
            Page::AskBack { token },
            Page::Back { token },
            Page::NotBack,
            Page::Nothing,
            Page::TooMany,
            Page::Later,
        ];
        for page in pages {
            for language in [Language::French, Language::English] {
                let words = page.words(language);
                assert!(!words.title.is_empty() && !words.text.is_empty(), "{page:?}");
                assert_eq!(page.action().is_some(), !words.button.is_empty(), "{page:?}");
                let body = answer(200, page, language).body;
                assert!(!body.contains("<a ") && !body.contains("<script"), "{body}");
            }
        }
    }
}
