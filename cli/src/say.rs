//! Printing that survives a reader who goes away: `almanac runs | head` is no error, and a run must not die of it.

/// Prints a line for whoever asked, on standard output. When nobody reads it any more, the process ends quietly: what
/// prints here has done its work.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        if let Err(error) = writeln!(std::io::stdout(), $($words)*) {
            $crate::say::nobody_listens(&error);
        }
    }};
}

/// Tells a person how things go, on standard error. When nobody reads it, the work goes on.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stderr(), $($words)*).ok();
    }};
}

pub(crate) use {say, tell};

/// The exit code of a process that a closed pipe ended, as shells count it: 128 + SIGPIPE.
const CLOSED_PIPE: i32 = 141;

pub(crate) fn nobody_listens(error: &std::io::Error) -> ! {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(CLOSED_PIPE);
    }
    tell!("almanac: standard output cannot be written: {error}");
    std::process::exit(1);
}
