//! What is around every page for people: it stands alone, and loads nothing from anywhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What a browser may load for a page: nothing. A second wall behind the escaping of every text.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page with that title and look; its body may be of a class of the look's.
pub(crate) fn page(title: &str, style: &str, class: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body class=[class] { (body) }
        }
    }
}
