//! Takes expired counters out of this process's memory, so that it follows use.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// The shortest window is a second; sweeping more often would find nothing.
const EVERY: Duration = Duration::from_secs(1);

/// Sweeps for ever, on a thread where it keeps nobody waiting.
pub(super) async fn run(sweep: impl Fn() + Send + Sync + 'static) {
    let sweep = Arc::new(sweep);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let sweep = Arc::clone(&sweep);
        if let Err(error) = tokio::task::spawn_blocking(move || sweep()).await {
            tracing::error!(%error, "sweeping this process's counters failed");
        }
    }
}
