//! Learns which server has which slots: of a Redis Cluster from its nodes, of a master with replicas from the Sentinels.
//!
//! One task asks one after the other, so that however many requests doubt the map, one question is under way at a time. It
//! asks at its leisure, and soon after somebody doubts: a request was redirected, or a shard's breaker moved. Between two
//! maps of a Cluster, redirects correct what we know slot by slot.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::storage::chance::Chance;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::side::Side;
use crate::storage::redis::slot_map::SlotMap;
use crate::storage::shared::group::ShardGroup;
use crate::storage::shared::shard::Shard;
use crate::storage::shared::shards::Shards;

/// How often a Cluster's map is asked for where nobody doubts it.
const CALM: Duration = Duration::from_secs(5);

/// How often Sentinels are asked: a master that is demoted while nothing is counted is noticed by nobody else.
const WATCHFUL: Duration = Duration::from_millis(250);

/// The same while a shard with slots is away, or nobody told us anything,
const UNREST: Duration = Duration::from_millis(200);

/// and when that has lasted for [`LONG_UNREST`] surveys.
const LASTING_UNREST: Duration = Duration::from_secs(1);

/// How many surveys in unrest are long.
const LONG_UNREST: usize = 50;

/// The least time between two questions.
const BREATH: Duration = Duration::from_millis(100);

/// How long one node may take.
const LIMIT: Duration = Duration::from_millis(500);

/// How many are asked in one survey where they know the latest: one alone may have been cut off from the others.
const OPINIONS: usize = 2;

/// After so many surveys in a row that found only older maps they are believed: everything was made anew.
const BELIEVE_OLDER: usize = 10;

/// How many are asked in one survey at the most.
const MOST_ASKED: usize = 8;

/// Whom a surveyor asks.
#[derive(Debug, Clone)]
pub enum Source {
    /// The nodes of a Redis Cluster: these, and those that they tell of.
    Cluster {
        /// What is left when all others are gone.
        seeds: Vec<NodeAddress>,
    },
    /// Sentinels.
    Sentinel {
        /// Where they are, and who we are to them.
        sentinels: Vec<NodeAddress>,
        /// What they call the master.
        master: String,
        /// Who we are to the servers.
        servers: NodeAddress,
    },
}

/// Surveys one group.
#[derive(Debug)]
pub struct Surveyor {
    shards: Arc<Shards>,
    group: Arc<ShardGroup>,
    source: Source,
    sides: Vec<(NodeAddress, Side)>,
    /// The epoch of the last map that was taken over.
    epoch: u64,
    surveys: usize,
    /// Surveys in a row that found only maps that are older than what we have.
    older: usize,
    /// Surveys in a row that found something amiss.
    unrest: usize,
    lost: bool,
    chance: Chance,
}

impl Surveyor {
    /// A surveyor of this group.
    #[must_use]
    pub fn new(shards: &Arc<Shards>, group: &Arc<ShardGroup>, source: Source) -> Self {
        let (shards, group) = (Arc::clone(shards), Arc::clone(group));
        let (surveys, older, unrest, chance) = (0, 0, 0, Chance::default());
        Self {
            shards,
            group,
            source,
            sides: Vec::new(),
            epoch: 0,
            surveys,
            older,
            unrest,
            lost: false,
            chance,
        }
    }

    /// Surveys for ever.
    pub async fn run(mut self) {
        loop {
            let found = self.survey().await;
            self.tell(&found);
            let calm = match self.source {
                Source::Cluster { .. } => CALM,
                Source::Sentinel { .. } => WATCHFUL,
            };
            self.unrest = if found.is_ok() && self.is_calm() { 0 } else { self.unrest + 1 };
            let pause = match self.unrest {
                0 => calm,
                surveys if surveys < LONG_UNREST => UNREST,
                _ => LASTING_UNREST,
            };
            // Replicas that lose a server at the same time do not all ask at the same time.
            sleep(BREATH + BREATH.mul_f64(self.chance.fraction(self.surveys))).await;
            // Either way it is time for the next one.
            let _ = timeout(pause, self.group.doubted()).await;
        }
    }

    /// Takes over the newest map that somebody gives: of [`OPINIONS`] nodes, or of more where theirs are older than what we have.
    pub(super) async fn survey(&mut self) -> Result<(), Failure> {
        let asked = self.candidates();
        self.sides.retain(|(address, _)| asked.contains(address));
        let (mut maps, mut why) = (Vec::new(), Failure::Closed);
        for address in asked {
            match self.ask(&address).await {
                Ok(map) if map.ranges.is_empty() => why = Failure::ClusterDown("it serves no slots".into()),
                Ok(map) => maps.push((map, address)),
                Err(failure) => why = failure,
            }
            let new_enough = |(map, _): &(SlotMap, NodeAddress)| map.epoch >= self.epoch;
            if maps.len() >= OPINIONS && maps.iter().any(new_enough) {
                break;
            }
        }
        let (map, address) = maps.into_iter().max_by_key(|(map, _)| map.epoch).ok_or(why)?;
        self.older = if map.epoch < self.epoch { self.older + 1 } else { 0 };
        if (1..BELIEVE_OLDER).contains(&self.older) {
            // Those who know better may only be slow; that all of them were made anew takes longer to believe.
            return Ok(());
        }
        self.older = 0;
        self.epoch = map.epoch;
        let beside = match &self.source {
            Source::Cluster { .. } => &address,
            Source::Sentinel { servers, .. } => servers,
        };
        self.shards.adopt(&self.group, &map, beside);
        Ok(())
    }

    /// Whom to ask, in this order: of a Cluster shards that are there, by turns, the nodes of the settings, and the rest; of
    /// Sentinels all by turns.
    fn candidates(&mut self) -> Vec<NodeAddress> {
        self.surveys = self.surveys.wrapping_add(1);
        let turn = |addresses: &mut Vec<NodeAddress>| {
            let turn = self.surveys % addresses.len().max(1);
            addresses.rotate_left(turn);
        };
        let mut candidates: Vec<NodeAddress> = Vec::new();
        let mut add = |addresses: &[NodeAddress]| {
            for address in addresses {
                if candidates.len() < MOST_ASKED && !candidates.contains(address) {
                    candidates.push(address.clone());
                }
            }
        };
        match &self.source {
            Source::Cluster { seeds } => {
                let topology = self.shards.topology();
                let own = topology.shards().filter(|shard| Arc::ptr_eq(shard.group(), &self.group));
                let (there, away): (Vec<_>, Vec<_>) = own.partition(|shard| shard.breaker().is_closed());
                let addresses = |shards: Vec<&Arc<Shard>>| -> Vec<NodeAddress> {
                    shards.into_iter().map(|shard| shard.address().clone()).collect()
                };
                let (mut there, away) = (addresses(there), addresses(away));
                turn(&mut there);
                there.truncate(MOST_ASKED / 2);
                [there.as_slice(), seeds, &away].into_iter().for_each(&mut add);
            }
            Source::Sentinel { sentinels, .. } => {
                let mut sentinels = sentinels.clone();
                turn(&mut sentinels);
                add(&sentinels);
            }
        }
        candidates
    }

    async fn ask(&mut self, address: &NodeAddress) -> Result<SlotMap, Failure> {
        let side = match self.sides.iter().find(|(known, _)| known == address) {
            Some((_, side)) => side.clone(),
            None => {
                let side = self.group.side(address, LIMIT);
                self.sides.push((address.clone(), side.clone()));
                side
            }
        };
        match &self.source {
            Source::Cluster { .. } => side.cluster_map().await,
            Source::Sentinel { master, .. } => side.master_of(master).await,
        }
    }

    /// Whether every shard that has slots is there.
    fn is_calm(&self) -> bool {
        let topology = self.shards.topology();
        let owners = topology.owners();
        let mut own = owners.iter().filter(|shard| Arc::ptr_eq(shard.group(), &self.group));
        own.all(|shard| shard.breaker().is_closed())
    }

    /// One line a change.
    fn tell(&mut self, found: &Result<(), Failure>) {
        match (found, &self.source) {
            (Ok(()), _) if self.lost => tracing::info!("what the store's servers are is told again"),
            (Err(failure), Source::Cluster { .. }) if !self.lost => tracing::warn!(
                %failure,
                "no node of the Redis Cluster tells of its slots; check redis.urls, and that the user may run CLUSTER SLOTS or CLUSTER SHARDS; until then only redirects tell"
            ),
            (Err(failure), Source::Sentinel { master, .. }) if !self.lost => tracing::warn!(
                %failure, master,
                "no Sentinel tells which server is the master; check redis.urls and redis.sentinel_master"
            ),
            _ => {}
        }
        self.lost = found.is_err();
    }
}
