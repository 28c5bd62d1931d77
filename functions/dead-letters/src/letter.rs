//! A dead letter as it lies in its queue: what it was for, and why it came to nothing.

use serde::Deserialize;
use serde_json::Value;
use shared::{hackathon::PageMessage, run::batch::BatchMessage, sqs::Message};

/// What a letter was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A batch's message that no worker finished.
    Batch(BatchMessage),
    /// A message of a page of a monitor's teams that no worker finished.
    Page(PageMessage),
    /// A firing that could not be handed over, or at which its function failed.
    Firing,
    /// What a mail provider said.
    Feedback,
    /// A message that stands for nothing we know.
    Unreadable,
}

impl Kind {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Batch(_) => "batch",
            Self::Page(_) => "page",
            Self::Firing => "firing",
            Self::Feedback => "feedback",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A letter that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it was for.
    pub kind: Kind,
    /// The function that it was for; empty where it does not say.
    pub target: String,
    /// Why it came to nothing, in words without personal data.
    pub cause: String,
}

/// The most characters of a cause.
const CAUSE: usize = 500;

impl Letter {
    /// The batch that it stands for, where it does.
    pub fn batch(&self) -> Option<BatchMessage> {
        match self.kind {
            Kind::Batch(of) => Some(of),
            Kind::Page(_) | Kind::Firing | Kind::Feedback | Kind::Unreadable => None,
        }
    }

    /// The run that it belongs to, where it names one.
    pub fn run(&self) -> Option<i64> {
        match self.kind {
            Kind::Batch(of) => Some(of.run),
            Kind::Page(of) => Some(of.run),
            Kind::Firing | Kind::Feedback | Kind::Unreadable => None,
        }
    }

    /// Reads a letter by the queue that it lies in, whatever it holds.
    pub fn read(message: &Message) -> Self {
        let letter = Self::of_queue(message);
        Self { cause: shortened(letter.cause), ..letter }
    }

    fn of_queue(message: &Message) -> Self {
        let queue = message.queue.as_str();
        if queue.ends_with("firings-dead-letters") {
            return Self::firing(message);
        }
        if queue.ends_with("provider-feedback-dead-letters") {
            let cause = handed_back(message).unwrap_or_else(|| "it was not understood, time and again".to_owned());
            return Self { kind: Kind::Feedback, target: "delivery-feedback".to_owned(), cause };
        }
        let (kind, target, otherwise) = match queue.ends_with("monitor-pages-dead-letters") {
            // All monitors' come here; which it is, its run says.
            true => (serde_json::from_str(&message.body).map(Kind::Page), "", "it is no page's message"),
            false => {
                let kind = serde_json::from_str(&message.body).map(Kind::Batch);
                (kind, "invitation-worker", "it is no batch's message")
            }
        };
        let (kind, cause) = match kind {
            Ok(kind) => (kind, "no worker finished it, time and again"),
            Err(_) => (Kind::Unreadable, otherwise),
        };
        Self { kind, target: target.to_owned(), cause: cause.to_owned() }
    }

    /// A firing comes from a schedule or a rule, with what went wrong in attributes; or from Lambda, whose record says
    /// how the function failed.
    fn firing(message: &Message) -> Self {
        let record = serde_json::from_str::<Invocation>(&message.body).ok();
        let (arn, cause) = match record {
            Some(record) => (record.request_context.function_arn.clone(), record.cause()),
            None => (
                message.attributes.get("TARGET_ARN").cloned().unwrap_or_default(),
                handed_back(message).unwrap_or_else(|| "it does not say why".to_owned()),
            ),
        };
        Self { kind: Kind::Firing, target: function_name(&arn).to_owned(), cause }
    }
}

/// What EventBridge or SNS writes beside a message that it could not hand over.
fn handed_back(message: &Message) -> Option<String> {
    let said = |name: &str| message.attributes.get(name).map(String::as_str);
    let code = said("ERROR_CODE")?;
    Some(match said("ERROR_MESSAGE") {
        Some(words) => format!("{code}: {words}"),
        None => code.to_owned(),
    })
}

/// The record that Lambda sends to a destination for failures (Lambda developer guide, "Capturing records of Lambda
/// asynchronous invocations").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    request_context: RequestContext,
    #[serde(default)]
    response_payload: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    function_arn: String,
    condition: String,
}

impl Invocation {
    fn cause(&self) -> String {
        let said = |name: &str| self.response_payload.get(name).and_then(Value::as_str);
        match (said("errorType"), said("errorMessage")) {
            (Some(kind), Some(words)) => format!("{}: {kind}: {words}", self.request_context.condition),
            (Some(one), None) | (None, Some(one)) => format!("{}: {one}", self.request_context.condition),
            (None, None) => self.request_context.condition.clone(),
        }
    }
}

/// `arn:aws:lambda:eu-west-3:123456789012:function:almanac-run-keeper:$LATEST` is the function `almanac-run-keeper`.
fn function_name(arn: &str) -> &str {
    let name = arn.split(':').nth(6).unwrap_or_default();
    // A name is at most 64 characters; whatever is longer is none.
    if name.len() <= 64 { name } else { "" }
}

fn shortened(cause: String) -> String {
    match cause.char_indices().nth(CAUSE) {
        Some((end, _)) => cause[..end].to_owned() + "…",
        None => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TARGET: &str = "arn:aws:lambda:eu-west-3:123456789012:function:almanac-monthly-invitations";

    fn lying_in(queue: &str, body: &Value, attributes: &[(&str, &str)]) -> Letter {
        Letter::read(&Message {
            queue: format!("almanac-{queue}"),
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Message::saying(body.to_string())
        })
    }

    #[test]
    fn a_firing_that_could_not_be_handed_over_says_for_whom_and_why() {
        let attributes = [
            ("ERROR_CODE", "AWS.Scheduler.InternalServerError"),
            ("ERROR_MESSAGE", "the service is not available"),
            ("TARGET_ARN", TARGET),
            ("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
        ];
        let letter = lying_in("firings-dead-letters", &json!({"scheduled_time": "2026-11-05T17:00:00Z"}), &attributes);
        assert_eq!(letter.target, "almanac-monthly-invitations");
        assert_eq!(letter.cause, "AWS.Scheduler.InternalServerError: the service is not available");
    }

    #[test]
    fn a_function_that_failed_says_how() {
        let record = json!({
            "version": "1.0", "timestamp": "2026-11-05T17:09:00.123Z",
            "requestContext": {"requestId": "r", "functionArn": format!("{TARGET}:$LATEST"),
                               "condition": "RetriesExhausted", "approximateInvokeCount": 3},
            "requestPayload": {"scheduled_time": "2026-11-05T17:00:00Z"},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorType": "anyhow::Error", "errorMessage": "opening the run: no connection"},
        });
        let letter = lying_in("firings-dead-letters", &record, &[]);
        assert_eq!((letter.kind, letter.target.as_str()), (Kind::Firing, "almanac-monthly-invitations"));
        assert_eq!(letter.cause, "RetriesExhausted: anyhow::Error: opening the run: no connection");
    }

    #[test]
    fn a_batch_is_known_by_its_message_and_anything_else_is_unreadable() {
        let letter = lying_in("invitations-dead-letters", &json!({"run": 1, "batch": 2}), &[]);
        assert_eq!(letter.kind, Kind::Batch(BatchMessage { run: 1, batch: 2 }));
        let letter = lying_in("invitations-dead-letters", &json!({"to": "a@example.org"}), &[]);
        assert_eq!(letter.kind, Kind::Unreadable);
        assert!(!letter.cause.contains('@'), "{}", letter.cause);
    }

    #[test]
    fn a_page_is_known_by_its_queue_and_its_message() {
        let letter = lying_in("monitor-pages-dead-letters", &json!({"run": 1, "after": 256}), &[]);
        assert_eq!((letter.kind, letter.run()), (Kind::Page(PageMessage { run: 1, after: 256 }), Some(1)));
        let letter = lying_in("monitor-pages-dead-letters", &json!({"run": 1, "batch": 2}), &[]);
        assert_eq!((letter.kind, &*letter.cause), (Kind::Unreadable, "it is no page's message"));
    }

    #[test]
    fn whatever_a_letter_holds_it_is_read_and_its_cause_is_short() {
        let known =
            ["firings", "provider-feedback", "monitor-pages", "invitations"].map(|of| format!("{of}-dead-letters"));
        for queue in known.iter().map(String::as_str).chain(["other"]) {
            for body in [json!(null), json!({}), json!([1]), json!({"requestContext": {}}), json!("ü".repeat(9_000))] {
                let letter = lying_in(queue, &body, &[("ERROR_CODE", &"é".repeat(5_000))]);
                assert!(!letter.cause.is_empty() && letter.cause.chars().count() <= CAUSE + 1, "{queue} {body}");
            }
        }
    }
}
