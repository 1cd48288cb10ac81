//! One timer for many deadlines.
//!
//! Deadlines come nearly in order and are nearly always met, so the timer is set for the first and looks again when it
//! rings: about one ring per budget, not one timer per request.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings no later than the earliest deadline that it was told.
#[derive(Debug)]
pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    armed: bool,
}

impl Alarm {
    /// An alarm that nobody has set. Lives on the runtime that it is made on.
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep_until(Instant::now())), armed: false }
    }

    /// Sees to it that the alarm rings by then.
    pub(super) fn ring_by(&mut self, deadline: Instant) {
        if !self.armed || deadline < self.sleep.deadline() {
            self.armed = true;
            self.sleep.as_mut().reset(deadline);
        }
    }

    /// Waits until it rings, for ever where nobody has set it. Whoever hears it sets it again.
    pub(super) async fn rung(&mut self) {
        if !self.armed {
            std::future::pending::<()>().await;
        }
        self.sleep.as_mut().await;
        self.armed = false;
    }
}
