//! Panics of work that must take nobody along: caught, and told by their place alone. Their words are told to nobody,
//! because they may hold what somebody's data made of them.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::Once,
};

use futures_util::FutureExt;

/// Work that panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("panicked at {place}")]
pub struct Panicked {
    /// Where in the code, as `FILE:LINE`.
    place: String,
}

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does the work to its end or to a panic.
///
/// # Errors
/// When it panics.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, Panicked> {
    static NOTING: Once = Once::new();
    NOTING.call_once(note_places);
    // Whoever polled the work until it panicked is still on that thread.
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Panicked { place: PLACE.take() })
}

/// From now on each thread notes where it panics, before whatever else is done about it.
fn note_places() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // A thread that is ending has nothing left to note it in, and nobody who would ask.
        PLACE.try_with(|place| place.replace(place_of(panic))).ok();
        otherwise(panic);
    }));
}

fn place_of(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_by_its_place_and_not_by_its_words() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let words = "ada@example.org";
        let line = line!() + 1;
        let panicked = caught(async { panic!("{words}") }).await.expect_err("a panic");
        assert_eq!(panicked.to_string(), format!("panicked at {}:{line}", file!()));
    }
}
