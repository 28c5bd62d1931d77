//! Waiting for what must happen.

/// How often a condition is looked at before its test gives up: a minute.
const LOOKS: u32 = 3_000;

/// Waits until `condition` holds, for a bounded number of looks.
///
/// # Panics
/// When it never does.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..LOOKS {
        if condition().await {
            return;
        }
        pause().await;
    }
    panic!("never happened: {what}");
}

/// The time between two looks.
pub async fn pause() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}
