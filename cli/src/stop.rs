//! The system's request to end, and a person's: SIGTERM and Ctrl-C.

use std::time::Duration;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::say::tell;

/// Knows whether the process was asked to end. What has begun is finished or taken back first; asked again, the process
/// ends at once, as if killed.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// How long a step under way may still take once the process was asked to end. Whatever takes longer waits for something
/// that is away, such as the database, and is given up where that loses nothing.
pub const GRACE: Duration = Duration::from_secs(2);

/// The process was asked to end, and the command with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped before its end: the same command goes on with it")]
pub struct Stopped;

/// The exit codes of a process that a signal ended, as shells count them: 128 and the signal's number.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

impl Stop {
    /// Listens from now on.
    pub fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        let [mut interrupt, mut terminate] = [SignalKind::interrupt(), SignalKind::terminate()]
            .map(|kind| signal(kind).expect("the runtime has signals"));
        tokio::spawn(async move {
            either(&mut interrupt, &mut terminate).await;
            tell!("almanac: stopping; what has begun is finished first (again: at once)");
            sender.send_replace(true);
            std::process::exit(either(&mut interrupt, &mut terminate).await);
        });
        Self(receiver)
    }

    /// Waits until the process is asked to end.
    pub async fn asked(&self) {
        // The sender lives as long as the process.
        self.0.clone().wait_for(|stop| *stop).await.ok();
    }

    /// Works unless the process is asked to end: then `work` is given up where it waits. What it had not committed is
    /// taken back.
    ///
    /// # Errors
    /// When the process was asked to end.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.asked() => Err(Stopped),
            done = work => Ok(done),
        }
    }

    /// Works also when the process is asked to end, or was, but then no longer than [`GRACE`].
    ///
    /// # Errors
    /// When that was too short.
    pub async fn or_soon<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        let long_asked = async {
            self.asked().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            done = work => Ok(done),
            () = long_asked => Err(Stopped),
        }
    }
}

/// Waits for either signal; gives the exit code that stands for it.
async fn either(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => INTERRUPTED,
        _ = terminate.recv() => TERMINATED,
    }
}
