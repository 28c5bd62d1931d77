//! Processes of the `almanac` binary.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;

use super::until;

/// A process under way. It is killed when its test ends without it.
pub struct Running {
    child: Child,
    out: File,
    err: File,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub struct Ending {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Running {
    /// Starts a process. What it writes goes into files without names, so that it never waits for a reader.
    pub fn start(command: &mut Command) -> Self {
        let [out, err] = [(); 2].map(|()| tempfile::tempfile().expect("a temporary file"));
        let handle = |file: &File| Stdio::from(file.try_clone().expect("a second handle"));
        let child = command.stdin(Stdio::null()).stdout(handle(&out)).stderr(handle(&err)).spawn();
        Self { child: child.expect("the binary starts"), out, err }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.status().is_some()
    }

    /// Ends it without a warning (SIGKILL), and waits until it is gone.
    pub fn kill(mut self) -> Ending {
        self.child.kill().expect("a process of ours");
        let status = self.child.wait().expect("a process of ours");
        self.ending(status)
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success(), "a process of ours");
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Ending {
        until("the process ends", async || self.has_ended()).await;
        let status = self.status().expect("it has ended");
        self.ending(status)
    }

    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process of ours")
    }

    fn ending(&mut self, status: ExitStatus) -> Ending {
        Ending { code: status.code().unwrap_or(-1), out: written(&mut self.out), err: written(&mut self.err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // When it has ended, there is nothing to kill.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn written(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut text).expect("text");
    text
}

impl Ending {
    /// The result: the last line of JSON.
    pub fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: no JSON at the end of {self:?}"))
    }

    /// The same of a process that must have ended with this exit code.
    pub fn json_of(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:?}");
        self.json()
    }
}
