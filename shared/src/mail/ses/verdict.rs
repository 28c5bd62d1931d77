//! What an answer of SES, or its absence, says about the letters.

use std::error::Error;

use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::error::{ConnectorError, ProvideErrorMetadata as _, SdkError};
use aws_sdk_sesv2::operation::send_bulk_email::SendBulkEmailError;
use aws_sdk_sesv2::types::{BulkEmailEntryResult, BulkEmailStatus};

use crate::mail::{Answer, Refusal};

/// One entry's own result.
pub(super) fn of_entry(result: &BulkEmailEntryResult) -> Answer {
    let Some(status) = result.status() else {
        return unknown("an entry came back without a status");
    };
    let refusal = match status {
        BulkEmailStatus::Success => {
            return Answer::Accepted { provider_id: result.message_id().unwrap_or_default().to_owned() };
        }
        BulkEmailStatus::AccountThrottled | BulkEmailStatus::AccountDailyQuotaExceeded => Refusal::Throttled,
        BulkEmailStatus::TransientFailure => Refusal::Transient,
        // The account or its settings are at fault, not the letter: it can be sent once they are mended.
        BulkEmailStatus::AccountSendingPaused
        | BulkEmailStatus::AccountSuspended
        | BulkEmailStatus::ConfigurationSetNotFound
        | BulkEmailStatus::ConfigurationSetSendingPaused
        | BulkEmailStatus::InvalidSendingPoolName
        | BulkEmailStatus::MailFromDomainNotVerified => Refusal::Unavailable,
        _ => Refusal::Permanent,
    };
    Answer::Refused { refusal, cause: word(status.as_str()) }
}

/// The same answer for every letter of a call that failed as a whole.
pub(super) fn of_call(error: &SdkError<SendBulkEmailError, HttpResponse>) -> Answer {
    match error {
        SdkError::ConstructionFailure(_) => unavailable("the request could not be built"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) => of_dispatch(connector),
            None => unknown("the reply was lost"),
        },
        SdkError::TimeoutError(_) => unknown("no reply in time"),
        SdkError::ServiceError(service) => {
            of_status(service.raw().status().as_u16(), service.err().code().unwrap_or_default())
        }
        _ => unknown("the reply cannot be read"),
    }
}

/// How far a call came that has no reply is in the chain of its error.
fn of_dispatch(error: &ConnectorError) -> Answer {
    let source: &(dyn Error + 'static) = error;
    let in_client = std::iter::successors(Some(source), |&error| error.source())
        .find_map(|error| error.downcast_ref::<hyper_util::client::legacy::Error>());
    match in_client {
        Some(client) if client.is_connect() => unavailable("no connection"),
        // It never came to the HTTP client: signing it failed.
        None if error.is_other() => unavailable("no credentials"),
        _ => unknown("the reply was lost"),
    }
}

/// Errors whose cause is this account, its rights or its settings.
const NOT_THE_LETTERS_FAULT: [&str; 11] = [
    "AccessDenied",
    "AccountSuspended",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignature",
    "LimitExceeded",
    "MailFromDomainNotVerified",
    "NotFound",
    "SendingPaused",
    "UnrecognizedClient",
];

fn of_status(status: u16, code: &str) -> Answer {
    let throttled = status == 429 || ["TooManyRequests", "Throttl", "SlowDown"].iter().any(|word| code.contains(word));
    let cause = if code.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status} {}", word(code)) };
    let refused = |refusal| Answer::Refused { refusal, cause: cause.clone() };
    match status {
        400..500 | 503 if throttled => refused(Refusal::Throttled),
        401 | 403 | 408 => refused(Refusal::Unavailable),
        400..500 if NOT_THE_LETTERS_FAULT.iter().any(|start| code.starts_with(start)) => refused(Refusal::Unavailable),
        400..500 => refused(Refusal::Permanent),
        503 if code.contains("Unavailable") => refused(Refusal::Unavailable),
        // A failure inside the service may come after it took the letters.
        _ => Answer::Unknown { cause },
    }
}

fn unavailable(cause: &str) -> Answer {
    Answer::Refused { refusal: Refusal::Unavailable, cause: cause.to_owned() }
}

fn unknown(cause: &str) -> Answer {
    Answer::Unknown { cause: cause.to_owned() }
}

/// Only what a code can hold: an error's text may name an address.
fn word(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::of_status;
    use crate::mail::{Answer, Refusal};

    fn refusal(status: u16, code: &str) -> Option<Refusal> {
        match of_status(status, code) {
            Answer::Refused { refusal, .. } => Some(refusal),
            Answer::Unknown { .. } => None,
            answer @ Answer::Accepted { .. } => panic!("{answer:?}"),
        }
    }

    #[test]
    fn a_call_that_the_service_refused_was_not_taken() {
        assert_eq!(refusal(400, "BadRequestException"), Some(Refusal::Permanent));
        assert_eq!(refusal(400, "MessageRejected"), Some(Refusal::Permanent));
        assert_eq!(refusal(429, "TooManyRequestsException"), Some(Refusal::Throttled));
        assert_eq!(refusal(400, "ThrottlingException"), Some(Refusal::Throttled));
        assert_eq!(refusal(503, "ServiceUnavailable"), Some(Refusal::Unavailable));
    }

    #[test]
    fn an_account_s_fault_is_not_held_against_the_letters() {
        for code in ["ExpiredTokenException", "UnrecognizedClientException", "SendingPausedException"] {
            assert_eq!(refusal(400, code), Some(Refusal::Unavailable), "{code}");
        }
        assert_eq!(refusal(403, "AccessDeniedException"), Some(Refusal::Unavailable));
    }

    #[test]
    fn a_failure_inside_the_service_leaves_the_outcome_unknown() {
        for (status, code) in [(500, "InternalServiceError"), (502, ""), (503, ""), (504, "")] {
            assert_eq!(refusal(status, code), None, "{status}");
        }
    }
}
