//! What becomes of slots and shards while a Cluster changes.

use super::*;
use crate::storage::shared::shards::Shards;
use crate::storage::shared::tests::{cluster, settings};

fn address(port: u16) -> NodeAddress {
    format!("redis://127.0.0.1:{port}").parse().unwrap()
}

/// A Cluster of which only the first node is known.
struct Cluster {
    topology: Topology,
    group: Arc<ShardGroup>,
}

impl Cluster {
    fn new() -> Self {
        let shards = Shards::new(cluster(vec![address(1)]), None, settings());
        let group = Arc::clone(shards.groups().next().unwrap());
        Self { topology: Topology::clone(&shards.topology()), group }
    }

    fn admit(&mut self, port: u16, now: Instant) -> Option<usize> {
        self.topology.admit(&self.group, address(port), now)
    }

    fn give(&mut self, slots: RangeInclusive<u16>, number: usize) {
        self.topology.give(Slot(*slots.start())..=Slot(*slots.end()), number);
    }

    fn knows(&self, port: u16) -> bool {
        self.topology.find(&self.group, &address(port)).is_some()
    }

    fn owners(&self, slots: [u16; 2]) -> [NodeAddress; 2] {
        slots.map(|slot| self.topology.shard_of(Slot(slot)).address().clone())
    }
}

#[tokio::test(start_paused = true)]
async fn slots_go_from_node_to_node() {
    let mut cluster = Cluster::new();
    let second = cluster.admit(2, Instant::now()).unwrap();
    cluster.give(8_000..=16_383, second);
    assert_eq!(cluster.admit(2, Instant::now()), Some(second), "a node is known once");
    assert_eq!(cluster.owners([7_999, 8_000]), [address(1), address(2)]);
    assert_eq!(cluster.topology.owners().len(), 2);
    assert_eq!(cluster.topology.slot_counts(), [8_000, 8_384]);
}

#[tokio::test(start_paused = true)]
async fn a_node_without_slots_leaves_after_a_while() {
    let (mut cluster, begin) = (Cluster::new(), Instant::now());
    for port in [2, 3] {
        let number = cluster.admit(port, begin).unwrap();
        cluster.give(port * 4_000..=16_383, number);
    }
    cluster.give(0..=11_999, 1);
    cluster.topology.retire(begin);
    assert!(!cluster.knows(1), "nodes of the settings do not stay");
    assert_eq!(cluster.owners([0, 12_000]), [address(2), address(3)]);
    cluster.give(0..=11_999, 1);
    cluster.topology.retire(begin + GUEST_FOR - Duration::from_millis(1));
    assert!(cluster.knows(2));
    cluster.topology.retire(begin + GUEST_FOR);
    assert!(!cluster.knows(2));
    assert_eq!(cluster.owners([0, 16_383]), [address(3), address(3)]);
}

#[tokio::test(start_paused = true)]
async fn there_is_an_end_to_new_nodes() {
    let mut cluster = Cluster::new();
    let admitted = (2..=3_000).filter(|&port| cluster.admit(port, Instant::now()).is_some());
    assert_eq!(admitted.count(), MAX_MEMBERS - 1);
}

#[tokio::test(start_paused = true)]
async fn two_groups_have_slots_of_their_own() {
    let seeds = || cluster(vec![address(1), address(2)]);
    let shards = Shards::new(seeds(), Some(seeds()), settings());
    let [main, per_second] = [0, 1].map(|number| Arc::clone(shards.groups().nth(number).unwrap()));
    let mut topology = Topology::clone(&shards.topology());
    assert_eq!((topology.shards().len(), topology.slots()), (4, 32_768));
    let one = topology.find(&main, &address(2)).unwrap();
    let other = topology.find(&per_second, &address(2)).unwrap();
    assert_ne!(one, other, "a server may be in both");
    topology.give(per_second.slot(0)..=per_second.slot(16_383), other);
    assert_eq!(topology.slot_counts(), [16_384, 0, 0, 16_384]);
}
