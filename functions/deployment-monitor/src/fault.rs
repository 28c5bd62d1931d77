//! What can go wrong before there is an answer.

use std::{error::Error, io};

use serde::{Deserialize, Serialize};

/// Why a probe has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing listens there.
    ConnectionRefused,
    /// No way leads there.
    Unreachable,
    /// The server ended the connection by a reset.
    Reset,
    /// The server closed the connection before its answer was whole.
    Closed,
    /// The answer was not whole in time.
    TimedOut,
    /// The server's certificate is not one to trust for its name.
    Certificate,
    /// No secure connection came about otherwise.
    Tls,
    /// What came is no HTTP.
    NotHttp,
    /// The answer's head or body is longer than what is read.
    TooLarge,
    /// Anything else.
    Other,
}

impl Fault {
    /// Its name in a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection refused",
            Self::Unreachable => "unreachable",
            Self::Reset => "connection reset",
            Self::Closed => "closed before a whole answer",
            Self::TimedOut => "timed out",
            Self::Certificate => "certificate not trusted",
            Self::Tls => "TLS failed",
            Self::NotHttp => "not HTTP",
            Self::TooLarge => "answer too large",
            Self::Other => "connection failed",
        }
    }

    /// What it is that went wrong on a connection.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Self::Reset
            }
            io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                    Self::Certificate
                }
                Some(_) => Self::Tls,
                None => Self::Other,
            },
        }
    }

    /// What it is that went wrong in the handshake of a secure connection.
    pub(crate) fn of_handshake(error: &io::Error) -> Self {
        match Self::of_io(error) {
            // It speaks, or hangs up: in either case no TLS.
            Self::Other | Self::Closed => Self::Tls,
            fault => fault,
        }
    }

    /// What it is that went wrong in an exchange.
    pub(crate) fn of_http(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            return Self::TooLarge;
        }
        if error.is_parse() {
            return Self::NotHttp;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<io::Error>() {
                return match Self::of_io(error) {
                    // Not the connection's error, but of what came over it, such as chunks that are none.
                    Self::Other if error.raw_os_error().is_none() => Self::NotHttp,
                    fault => fault,
                };
            }
            source = cause.source();
        }
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Self::Closed;
        }
        // Something came that was not asked for.
        Self::NotHttp
    }
}
