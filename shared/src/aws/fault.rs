//! What a failed call is told as: only words that AWS defines, because an error's text may name a person or hold what
//! was sent.

use std::error::Error;

use aws_sdk_sqs::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

/// A failed call, without what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// What happened, for people.
    what: String,
    /// The HTTP status; 0 when there was no answer.
    pub(super) status: u16,
    /// The service's own word, such as `ResourceNotFoundException`; empty when there is none.
    pub(super) code: String,
}

impl Fault {
    /// What a call's error comes to.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + RequestId,
    {
        match error {
            SdkError::ServiceError(service) => {
                let code = word(service.err().code().unwrap_or_default());
                let status = service.raw().status().as_u16();
                let request = service.err().request_id().map(word).unwrap_or_default();
                Self { what: said(status, &code, &request), status, code }
            }
            SdkError::ConstructionFailure(_) => Self::without_answer("the request could not be built"),
            SdkError::TimeoutError(_) => Self::without_answer("no reply in time"),
            SdkError::DispatchFailure(failure) => {
                let connector = failure.as_connector_error();
                // Asked first: a connection that was not made in time is both.
                Self::without_answer(if connector.is_some_and(|error| is_connect(error)) {
                    "no connection"
                } else if failure.is_timeout() {
                    "no reply in time"
                } else if failure.is_other() && !connector.is_some_and(|error| came_to_the_client(error)) {
                    // Signing it failed.
                    "no credentials"
                } else {
                    "the reply was lost"
                })
            }
            _ => Self::without_answer("the reply cannot be read"),
        }
    }

    fn without_answer(what: &str) -> Self {
        Self { what: what.to_owned(), status: 0, code: String::new() }
    }
}

/// Codes that say that the caller's credentials are no longer, or never were, good.
const CREDENTIALS: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestExpired",
    "UnrecognizedClientException",
];

fn said(status: u16, code: &str, request: &str) -> String {
    let mut said = format!("HTTP {status}");
    if !code.is_empty() {
        said.push_str(&format!(" {code}"));
    }
    if !request.is_empty() {
        said.push_str(&format!(" (request {request})"));
    }
    if CREDENTIALS.contains(&code) {
        return format!("the credentials have expired or are unknown: {said}");
    }
    said
}

fn in_client<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a hyper_util::client::legacy::Error> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

fn is_connect(error: &(dyn Error + 'static)) -> bool {
    in_client(error).is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn came_to_the_client(error: &(dyn Error + 'static)) -> bool {
    in_client(error).is_some()
}

/// Only what a code or a request's id can hold.
pub(super) fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(64).collect()
}
