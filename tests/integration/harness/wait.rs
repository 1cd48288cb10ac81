//! Waiting for something to become true, with a bound.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Generous, because the machine may be busy with every other test; reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Looks every few milliseconds until `look` gives a value.
///
/// # Panics
///
/// When [`PATIENCE`] is over, naming `what` was waited for.
#[track_caller]
pub(crate) fn for_some<T, F>(what: &str, mut look: impl FnMut() -> F) -> impl Future<Output = T>
where
    F: Future<Output = Option<T>>,
{
    let caller = std::panic::Location::caller();
    async move {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = look().await {
                return value;
            }
            assert!(Instant::now() < end, "waited {PATIENCE:?} in vain for {what} ({caller})");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Looks every few milliseconds until `look` says yes.
#[track_caller]
pub(crate) fn until<F>(what: &str, mut look: impl FnMut() -> F) -> impl Future<Output = ()>
where
    F: Future<Output = bool>,
{
    for_some(what, move || {
        let answer = look();
        async move { answer.await.then_some(()) }
    })
}
