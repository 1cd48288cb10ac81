//! How hints and forced looks reach the watch: two counts that only grow.
//!
//! Counts, not messages, because they need no queue and because whoever stops waiting half-way loses none.

use tokio::sync::watch;

/// How many signals there have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) hints: u64,
    pub(super) forces: u64,
}

/// Both ends of the counts.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    sender: watch::Sender<Count>,
    receiver: watch::Receiver<Count>,
}

/// Makes the watch read the files and tell their state even if nothing changed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ForceRead {
    sender: watch::Sender<Count>,
}

impl Signals {
    pub(super) fn new() -> Self {
        let (sender, receiver) = watch::channel(Count::default());
        Self { sender, receiver }
    }

    pub(super) fn force_handle(&self) -> ForceRead {
        ForceRead { sender: self.sender.clone() }
    }

    pub(super) fn hint(&self) {
        self.sender.send_modify(|count| count.hints += 1);
    }

    pub(super) fn count(&self) -> Count {
        *self.receiver.borrow()
    }

    /// Waits until there are more than `known`.
    pub(super) async fn heard_since(&mut self, known: Count) -> Count {
        let heard = self.receiver.wait_for(|count| *count != known).await.map(|count| *count);
        match heard {
            Ok(count) => count,
            // Closed only when every sender is gone, and this struct holds one.
            Err(_) => std::future::pending().await,
        }
    }
}

impl ForceRead {
    /// Asks for one look. Several that come before it are answered by the same look.
    pub fn force(&self) {
        self.sender.send_modify(|count| count.forces += 1);
    }
}
