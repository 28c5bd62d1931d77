//! The content and the entries of a bulk call.

use aws_sdk_sesv2::types::{
    BulkEmailContent, BulkEmailEntry, Destination, EmailTemplateContent, MessageHeader, MessageTag,
    ReplacementEmailContent, ReplacementTemplate, Template as InlineTemplate,
};

use crate::mail::message::one_word;
use crate::mail::template::Template;
use crate::mail::{Capacity, Letter};

/// A bulk call takes 50 destinations.
pub(in crate::mail) const CAPACITY: Capacity = Capacity { claim: 50, calls: 16 };

/// The words and headers that all letters of a call share.
pub(in crate::mail) fn content(template: &Template) -> BulkEmailContent {
    let parts = template.ses();
    let words = EmailTemplateContent::builder().subject(&parts.subject).text(&parts.text).html(&parts.html).build();
    let inline = InlineTemplate::builder()
        .template_content(words)
        // SES wants default values even where every entry brings its own.
        .template_data("{}")
        .set_headers(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()).map(|one| vec![one]))
        .build();
    BulkEmailContent::builder().template(inline).build()
}

/// The entry of one letter: only what is this person's own, because the template comes with the call.
pub(in crate::mail) fn entry(template: &Template, letter: &Letter) -> BulkEmailEntry {
    let data = ReplacementTemplate::builder().replacement_template_data(template.ses_data(letter)).build();
    let headers = [
        header("List-Unsubscribe", format!("<{}>", one_word(&letter.unsubscribe_url))),
        header("X-Almanac-Invitation", one_word(&letter.message)),
    ];
    BulkEmailEntry::builder()
        .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
        .replacement_email_content(ReplacementEmailContent::builder().replacement_template(data).build())
        .set_replacement_tags(tag("invitation", &letter.message).map(|one| vec![one]))
        .set_replacement_headers(Some(headers.into_iter().flatten().collect()))
        .build()
}

/// A tag, by which the provider's events name what they are about.
pub(super) fn tag(name: &str, value: &str) -> Option<MessageTag> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    let value = value.replace(|c| !allowed(c), "_");
    MessageTag::builder().name(name).value(value).build().ok()
}

/// The builder fails only without a name or a value, and both are here.
fn header(name: &str, value: String) -> Option<MessageHeader> {
    MessageHeader::builder().name(name).value(value).build().ok()
}
