//! Takes expired counters out of the local store, so that memory follows use.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{Clock, SystemClock};
use crate::storage::local::LocalStore;

/// The shortest window is a second; sweeping more often would find nothing.
const EVERY: Duration = Duration::from_secs(1);

/// Sweeps for ever, on a thread where it keeps nobody waiting.
pub(super) async fn run(store: Arc<LocalStore>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let store = Arc::clone(&store);
        let swept = tokio::task::spawn_blocking(move || store.sweep(SystemClock.now())).await;
        if let Err(error) = swept {
            tracing::error!(%error, "sweeping the local store failed");
        }
    }
}
