//! The keepers of all shards: one for each that there is, for as long as it is there.

use std::fmt;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinSet};

use crate::decision::time::Timestamp;
use crate::storage::shared::keeper::Keeper;
use crate::storage::shared::shard::{ERRAND, Shard};
use crate::storage::shared::shards::Shards;

/// This process among those that share the store.
#[derive(Clone)]
pub struct Replica {
    /// A number that no other process has.
    pub id: u64,
    /// Its clock.
    pub own_time: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replica({})", self.id)
    }
}

/// Sees to it that every shard has a keeper.
#[derive(Debug)]
pub struct Keepers {
    shards: Arc<Shards>,
    replica: Replica,
    running: JoinSet<()>,
    kept: Vec<(Arc<Shard>, AbortHandle)>,
}

impl Keepers {
    /// Keepers for these shards, which begin when they run.
    #[must_use]
    pub fn new(shards: &Arc<Shards>, replica: Replica) -> Self {
        Self { shards: Arc::clone(shards), replica, running: JoinSet::new(), kept: Vec::new() }
    }

    /// Keeps the shards for ever; ends only where a keeper does, which none should.
    pub async fn run(mut self) {
        loop {
            self.adjust();
            tokio::select! {
                () = self.shards.changed.notified() => {}
                Some(ended) = self.running.join_next() => {
                    if !ended.is_err_and(|error| error.is_cancelled()) {
                        return;
                    }
                }
            }
        }
    }

    /// Starts keepers for new shards, and ends those of shards that are gone. What those had under way is told again by the
    /// keepers of the shards that have the slots now.
    fn adjust(&mut self) {
        let topology = self.shards.topology();
        let is_there = |shard: &Arc<Shard>| topology.shards().any(|other| Arc::ptr_eq(other, shard));
        self.kept.retain(|(shard, keeper)| {
            let stays = is_there(shard);
            if !stays {
                tracing::info!(shard = %shard.name(), "the shard has no counters any more and is let go");
                keeper.abort();
            }
            stays
        });
        for shard in topology.shards() {
            if self.kept.iter().all(|(kept, _)| !Arc::ptr_eq(kept, shard)) {
                self.start(shard);
            }
        }
    }

    fn start(&mut self, shard: &Arc<Shard>) {
        match Keeper::new(&self.shards, shard, self.replica.clone()) {
            Ok(keeper) => {
                let running = self.running.spawn(keeper.run());
                self.kept.push((Arc::clone(shard), running));
            }
            Err(failure) => {
                tracing::error!(shard = %shard.name(), %failure, "the shard cannot be kept; check redis.urls");
            }
        }
    }

    /// Says good-bye to all shards, so that the others' shares grow at once.
    pub async fn leave(shards: &Shards, replica: &Replica) {
        for shard in shards.topology().shards().filter(|shard| shards.has_roster(shard)) {
            // A shard that is away forgets this replica by itself.
            if let Ok(side) = shard.group().side(shard.address(), ERRAND / 4)
                && let Err(failure) = side.leave(replica.id).await
            {
                tracing::debug!(shard = %shard.name(), %failure, "this replica could not say good-bye");
            }
        }
    }
}
