//! An SMTP server for benchmarks: `smtp-sink 127.0.0.1:2525`. It prints where it listens, its counts for every line on
//! standard input, and ends with that input.

use tests::smtp_sink::{Behaviour, SmtpSink};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let sink = SmtpSink::listen(address, |_, _| Behaviour::Accept, false).await?;
    println!("listening on {}", sink.address());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        println!("{}", sink.tally());
    }
    println!("{}", sink.tally());
    Ok(())
}
