//! A stand-in for SES for benchmarks: `ses-fake 127.0.0.1:9000`. It prints where it listens, its counts for every line
//! on standard input, and ends with that input.

use tests::ses_fake::{Behaviour, SesFake};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let fake = SesFake::listen(address, |_| Behaviour::Accept, false).await?;
    println!("listening on {}", fake.address());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        println!("{}", fake.tally());
    }
    println!("{}", fake.tally());
    Ok(())
}
