//! The keepers of all shards: one for each that there is, for as long as it is there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::sleep;

use crate::decision::time::Timestamp;
use crate::storage::shared::keeper::Keeper;
use crate::storage::shared::shard::{ERRAND, Shard};
use crate::storage::shared::shards::Shards;

/// The pause before a keeper that ended gets a successor.
const SUCCESSION: Duration = Duration::from_secs(1);

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

    /// Keeps the shards for ever.
    pub async fn run(mut self) {
        loop {
            self.adjust();
            tokio::select! {
                () = self.shards.changed.notified() => {}
                Some(ended) = self.running.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    self.mourn(id).await;
                }
            }
        }
    }

    /// A keeper that ended by itself, which none should, gets a successor after a while.
    async fn mourn(&mut self, id: Id) {
        let Some(place) = self.kept.iter().position(|(_, keeper)| keeper.id() == id) else { return };
        let (shard, _) = self.kept.swap_remove(place);
        tracing::error!(shard = %shard.name(), "the shard's keeper ended, and another one begins; tell us what stands above");
        sleep(SUCCESSION).await;
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
        let keeper = Keeper::new(&self.shards, shard, self.replica.clone());
        let running = self.running.spawn(keeper.run());
        self.kept.push((Arc::clone(shard), running));
    }

    /// Says good-bye to all shards at once, so that the others' shares grow soon.
    pub async fn leave(shards: &Shards, replica: &Replica) {
        let topology = shards.topology();
        let there = topology.shards().filter(|shard| shards.has_roster(shard));
        join_all(there.map(|shard| leave(shard, replica))).await;
    }
}

/// Says good-bye to one shard. One that is away forgets this replica by itself.
async fn leave(shard: &Shard, replica: &Replica) {
    let side = shard.group().side(shard.address(), ERRAND / 4);
    if let Err(failure) = side.leave(replica.id).await {
        tracing::debug!(shard = %shard.name(), %failure, "this replica could not say good-bye");
    }
}
