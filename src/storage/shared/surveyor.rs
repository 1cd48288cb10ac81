//! Learns which node of a Redis Cluster has which slots.
//!
//! One task asks one node after the other, so that however many requests doubt the map, one question is under way at a time.
//! It asks every [`CALM`], and soon after somebody doubts: a request was redirected, or a shard's breaker moved. Between two
//! maps, redirects correct what we know slot by slot.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::storage::redis::cluster_map::ClusterMap;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::side::Side;
use crate::storage::shared::shards::Shards;

/// How often the map is asked for where nobody doubts it.
const CALM: Duration = Duration::from_secs(5);

/// The same while a shard with slots is away, or nobody told us anything.
const UNREST: Duration = Duration::from_millis(200);

/// The least time between two questions.
const BREATH: Duration = Duration::from_millis(100);

/// How long one node may take.
const LIMIT: Duration = Duration::from_millis(500);

/// Nodes that are asked in one survey where they know the latest: one alone may have been cut off from the others.
const OPINIONS: usize = 2;

/// Nodes that are asked in one survey at the most.
const MOST_ASKED: usize = 8;

/// Surveys one Cluster.
#[derive(Debug)]
pub struct Surveyor {
    shards: Arc<Shards>,
    /// The nodes that the settings name: what is left when all others are gone.
    seeds: Vec<NodeAddress>,
    sides: Vec<(NodeAddress, Side)>,
    /// The epoch of the last map that was taken over.
    epoch: u64,
    surveys: usize,
    lost: bool,
}

impl Surveyor {
    /// A surveyor that begins with the shards that there are.
    #[must_use]
    pub fn new(shards: &Arc<Shards>) -> Self {
        let seeds = shards.topology().shards().map(|shard| shard.address().clone()).collect();
        Self { shards: Arc::clone(shards), seeds, sides: Vec::new(), epoch: 0, surveys: 0, lost: false }
    }

    /// Surveys for ever.
    pub async fn run(mut self) {
        loop {
            let found = self.survey().await;
            self.tell(&found);
            let pause = if found.is_ok() && self.is_calm() { CALM } else { UNREST };
            sleep(BREATH).await;
            // Either way it is time for the next one.
            let _ = timeout(pause, self.shards.doubted()).await;
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
            let new_enough = |(map, _): &(ClusterMap, NodeAddress)| map.epoch >= self.epoch;
            if maps.len() >= OPINIONS && maps.iter().any(new_enough) {
                break;
            }
        }
        let (map, address) = maps.into_iter().max_by_key(|(map, _)| map.epoch).ok_or(why)?;
        self.epoch = map.epoch;
        self.shards.adopt(&map, &address);
        Ok(())
    }

    /// Whom to ask, in this order: shards that are there, by turns; the nodes of the settings; the rest.
    fn candidates(&mut self) -> Vec<NodeAddress> {
        self.surveys = self.surveys.wrapping_add(1);
        let topology = self.shards.topology();
        let (mut there, away): (Vec<_>, Vec<_>) =
            topology.shards().partition(|shard| shard.breaker().is_closed());
        let turn = self.surveys % there.len().max(1);
        there.rotate_left(turn);
        there.truncate(MOST_ASKED / 2);
        let there = there.into_iter().map(|shard| shard.address());
        let away = away.into_iter().map(|shard| shard.address());
        let mut candidates: Vec<NodeAddress> = Vec::new();
        for address in there.chain(&self.seeds).chain(away) {
            if candidates.len() < MOST_ASKED && !candidates.contains(address) {
                candidates.push(address.clone());
            }
        }
        candidates
    }

    async fn ask(&mut self, address: &NodeAddress) -> Result<ClusterMap, Failure> {
        let side = match self.sides.iter().find(|(known, _)| known == address) {
            Some((_, side)) => side.clone(),
            None => {
                let side = self.shards.side(address, LIMIT)?;
                self.sides.push((address.clone(), side.clone()));
                side
            }
        };
        side.cluster_map().await
    }

    /// Whether every shard that has slots is there.
    fn is_calm(&self) -> bool {
        let topology = self.shards.topology();
        topology.owners().iter().all(|shard| shard.breaker().is_closed())
    }

    /// One line a change.
    fn tell(&mut self, found: &Result<(), Failure>) {
        match found {
            Ok(()) if self.lost => tracing::info!("the Redis Cluster tells of its slots again"),
            Err(failure) if !self.lost => tracing::warn!(
                %failure,
                "no node of the Redis Cluster tells of its slots; check redis.urls, and that the user may run CLUSTER SLOTS or CLUSTER SHARDS; until then only redirects tell"
            ),
            _ => {}
        }
        self.lost = found.is_err();
    }
}
