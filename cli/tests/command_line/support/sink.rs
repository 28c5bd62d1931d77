//! Mail servers that take their time, so that what happens to a run happens while it sends.

use std::time::Duration;

use tests::smtp_sink::{Behaviour, SmtpSink};

/// How many connections a process may have: the most that can be in doubt after its death.
pub const CONNECTIONS: u64 = 16;

/// A server that takes everything and answers after that time.
pub async fn taking(time: Duration) -> SmtpSink {
    let script = move |_: usize, _: &str| Behaviour::AcceptAfter(time);
    SmtpSink::listen("127.0.0.1:0", script, false).await.expect("a free port")
}

/// What `EMAIL_TRANSPORTS` says of it.
pub fn transport(sink: &SmtpSink) -> String {
    format!("smtp://{}?connections={CONNECTIONS}", sink.address())
}
