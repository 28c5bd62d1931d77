//! The body of a bulk call, written straight from the letters.
//!
//! The SDK signs and carries it, but does not write it: its builders copy every word, and its writer looks at every
//! byte of data that is JSON within JSON, which together took a third of a worker's time. A test compares this body
//! with the SDK's own. Names are those of
//! [`SendBulkEmail`](https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html).

use std::borrow::Cow;

use super::CALL_TIMEOUT;
use crate::mail::headers;
use crate::mail::json_text::escaped;
use crate::mail::message::one_word;
use crate::mail::template::Template;
use crate::mail::{Call, Capacity, Letter};

/// A bulk call takes 50 destinations.
pub(in crate::mail) const CAPACITY: Capacity = Capacity { claim: 50, calls: 16, longest_call: CALL_TIMEOUT };

/// What an entry takes with usual words, and what the words that all share take: one allocation a call.
const ENTRY_BYTES: usize = 1_024;
const SHARED_BYTES: usize = 4_096;

/// The JSON that asks for `letters` to be sent with `call`'s words.
pub(in crate::mail) fn body(
    call: Call<'_>,
    letters: &[&Letter],
    from: &str,
    configuration_set: Option<&str>,
) -> String {
    let mut json = String::with_capacity(SHARED_BYTES + letters.len() * ENTRY_BYTES);
    json.push_str(r#"{"BulkEmailEntries":["#);
    let attempt = tag(call.attempt);
    for (index, letter) in letters.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_entry(call.template, &attempt, letter, &mut json);
    }
    json.push(']');
    if let Some(name) = configuration_set {
        push(&mut json, &[r#","ConfigurationSetName":""#, &escaped(name), "\""]);
    }
    write_shared_words(call.template, &mut json);
    push(&mut json, &[r#","FromEmailAddress":""#, &escaped(from), "\"}"]);
    json
}

/// The entry of one letter: only what is this person's own, because the template comes with the call. The attempt's tag
/// is here too: whether SES adds a call's own tags to an entry's, or lets them fall, it does not say.
fn write_entry(template: &Template, attempt: &str, letter: &Letter, json: &mut String) {
    push(json, &[r#"{"Destination":{"ToAddresses":[""#, &escaped(letter.to.as_str()), "\"]}"]);
    json.push_str(r#","ReplacementEmailContent":{"ReplacementTemplate":{"ReplacementTemplateData":""#);
    template.write_ses_data(letter, json);
    let unsubscribe_url = one_word(letter.unsubscribe_url());
    json.push_str(r#""}},"ReplacementHeaders":[{"Name":"List-Unsubscribe","Value":"<"#);
    push(json, &[&escaped(&unsubscribe_url), r#">"},{"Name":""#, headers::INVITATION, r#"","Value":""#]);
    push(json, &[&escaped(&one_word(&letter.message)), r#""}],"ReplacementTags":[{"Name":""#]);
    push(json, &[headers::ATTEMPT_TAG, r#"","Value":""#, attempt, r#""},{"Name":""#]);
    push(json, &[headers::INVITATION_TAG, r#"","Value":""#, &tag(&letter.message), r#""}]}"#]);
}

/// The words and headers that all letters of a call share.
fn write_shared_words(template: &Template, json: &mut String) {
    let parts = template.ses();
    json.push_str(r#","DefaultContent":{"Template":{"Headers":[{"Name":"List-Unsubscribe-Post","#);
    json.push_str(r#""Value":"List-Unsubscribe=One-Click"}],"TemplateContent":{"Html":""#);
    push(json, &[&escaped(&parts.html), r#"","Subject":""#, &escaped(&parts.subject)]);
    // SES wants default values even where every entry brings its own.
    push(json, &[r#"","Text":""#, &escaped(&parts.text), r#""},"TemplateData":"{}"}}"#]);
}

fn push(json: &mut String, pieces: &[&str]) {
    pieces.iter().for_each(|piece| json.push_str(piece));
}

/// The value of a tag, by which the provider's events name what they are about: nothing in it needs escaping.
fn tag(value: &str) -> Cow<'_, str> {
    let unwanted = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@'));
    if value.contains(unwanted) { value.replace(unwanted, "_").into() } else { value.into() }
}
