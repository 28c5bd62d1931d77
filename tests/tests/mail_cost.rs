//! What a mail costs this process, against stand-ins in processes of their own. Only meaningful in release:
//! `cargo test --release -p tests --test mail_cost -- --ignored --nocapture --test-threads 1`

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};
use shared::letters::LetterKind;
use shared::mail::Answer;
use shared::mail::template::{EmailTemplate, Locale, Templates};
use tests::letters::{letters, mailer, send_as};

struct StandIn {
    child: Child,
    address: String,
}

impl StandIn {
    fn start(program: &str) -> Self {
        let mut child = Command::new(program)
            .arg("127.0.0.1:0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built with this test");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Its input ends with this value; waiting for it leaves no process behind.
        self.child.stdin.take();
        self.child.wait().ok();
    }
}

/// Seconds of CPU that a process has used, in the kernel's ticks of 10 ms.
fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    let ticks = |field: usize| after_name.split_whitespace().nth(field).and_then(|text| text.parse::<f64>().ok());
    (ticks(11).expect("user time") + ticks(12).expect("system time")) / 100.0
}

async fn measure(name: &str, list: &str, stand_in: Option<&StandIn>, mails: usize) {
    let mailer = mailer(list).await.expect("a mailer");
    let templates = Templates::embedded();
    let template = templates.get(LetterKind::Invitation, EmailTemplate::Friendly, Locale::French);
    let capacity = mailer.capacity();
    let letters = letters(capacity.claim);
    let before = (cpu_seconds("self"), stand_in.map(|s| cpu_seconds(&s.child.id().to_string())), Instant::now());
    let accepted: usize = stream::iter(0..mails / capacity.claim)
        .map(|call| {
            let (mailer, letters) = (&*mailer, &letters);
            async move { send_as(mailer, &format!("attempt-{call}"), template, letters).await }
        })
        .buffer_unordered(capacity.calls)
        .map(|answers| answers.iter().filter(|answer| matches!(answer, Answer::Accepted { .. })).count())
        .fold(0, async |sum, count| sum + count)
        .await;
    let each = |seconds: f64| seconds * 1e6 / accepted as f64;
    let theirs = stand_in.zip(before.1).map_or(0.0, |(s, before)| cpu_seconds(&s.child.id().to_string()) - before);
    println!(
        "{name}: {accepted} mails, {:.1} µs of CPU a mail here, {:.1} there, {:.0} a second",
        each(cpu_seconds("self") - before.0),
        each(theirs),
        accepted as f64 / before.2.elapsed().as_secs_f64(),
    );
}

#[tokio::test]
#[ignore = "a measurement: run it in release"]
async fn cost_of_a_mail() {
    measure("null", "null:", None, 400_000).await;
    let dir = tempfile::tempdir().expect("a folder");
    measure("dir", &format!("dir:{}", dir.path().display()), None, 40_000).await;
    let sink = StandIn::start(env!("CARGO_BIN_EXE_smtp-sink"));
    measure("smtp", &format!("smtp://{}", sink.address), Some(&sink), 80_000).await;
    let fake = StandIn::start(env!("CARGO_BIN_EXE_ses-fake"));
    measure("ses", &format!("ses+http://{}", fake.address), Some(&fake), 400_000).await;
}
