//! How a run goes, shown while it goes: a bar on a terminal, a line now and then elsewhere, nothing for machines.

use std::{
    io::IsTerminal as _,
    sync::Mutex,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use shared::{
    records::Records,
    run::{Run, control::Control, history},
};

use crate::{engine::Watch, say::tell, stop::Stop};

/// How often a line is printed where there is no terminal, and how often a bar moves.
const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR_EVERY: Duration = Duration::from_millis(200);

/// Shows a run's progress, and stops the engine when the process is asked to end.
pub struct Progress {
    shown: Shown,
    last: Mutex<Option<Instant>>,
    begun: Instant,
    stop: Stop,
}

enum Shown {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// Progress for people, or none for machines, until `stop` is asked.
    pub fn new(json: bool, stop: Stop) -> Self {
        let shown = match (json, std::io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Bar(bar()),
            (false, false) => Shown::Lines,
        };
        Self { shown, last: Mutex::new(None), begun: Instant::now(), stop }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn is_time(&self) -> bool {
        let every = match self.shown {
            Shown::Bar(_) => BAR_EVERY,
            Shown::Lines => LINE_EVERY,
            Shown::Nothing => return false,
        };
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let time = last.unwrap_or(self.begun).elapsed() >= every;
        if time {
            *last = Some(Instant::now());
        }
        time
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {human_pos} of {human_len} ({rate}, {eta} left) {msg}")
        .expect("the template is a constant")
        .with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            write!(text, "{:.0} a second", state.per_sec()).ok();
        });
    ProgressBar::new(0).with_style(style)
}

#[async_trait]
impl Watch for Progress {
    async fn progress(&self, records: &Records, run: &Run) {
        if !self.is_time() {
            return;
        }
        let asked = run.clone();
        let Ok(done) = records
            .read(move |tx| {
                let run = asked.clone();
                async move { history::progress(tx, &run).await }.boxed()
            })
            .await
        else {
            return;
        };
        let waits_for = match done.waits_for {
            _ if run.control == Control::Pause => Some("paused".to_owned()),
            waits_for => waits_for,
        };
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_length(done.planned);
                bar.set_position(done.handled);
                bar.set_message(waits_for.unwrap_or_default());
            }
            Shown::Lines => {
                let seconds = self.begun.elapsed().as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                let rate = done.handled as f64 / seconds;
                tell!(
                    "run {}: {} of {}{} handled, {rate:.0} a second{}",
                    run.id,
                    done.handled,
                    done.planned,
                    if run.plan_complete { "" } else { " (still planning)" },
                    waits_for.map(|cause| format!("; {cause}")).unwrap_or_default(),
                );
            }
            Shown::Nothing => {}
        }
    }

    async fn stopped(&self) {
        self.stop.asked().await;
    }
}
