//! Which shards there are and which slots each has, at one moment. A request sees one topology from its start to its end.
//!
//! Of one server and of a ring there is a single one for ever. A Redis Cluster's changes: a node is told of by the map that
//! nodes give, or by a redirect. One that has no slots stays for [`GUEST_FOR`]: it may be about to get some, or be back soon.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::storage::redis::node::NodeAddress;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::shard::Shard;
use crate::storage::slot::Slot;

/// How long a Cluster's node stays known without having a slot.
pub(super) const GUEST_FOR: Duration = Duration::from_mins(1);

/// Nodes at the most; Redis advises against more than a thousand.
const MAX_MEMBERS: usize = 2_000;

/// The shards and their slots.
#[derive(Debug, Clone)]
pub struct Topology {
    version: u64,
    members: Vec<Member>,
    /// For each slot the place of its shard among the members.
    owners: Box<[u16]>,
}

/// A shard, and how long it stays if it has no slots.
#[derive(Debug, Clone)]
struct Member {
    shard: Arc<Shard>,
    guest_until: Instant,
}

impl Topology {
    /// These shards, each with the slots that the placement gives it to begin with.
    pub(super) fn new(shards: Vec<Shard>, placement: &Placement) -> Self {
        // Nodes that only the settings name leave with the first map that does not know them.
        let guest_until = Instant::now();
        let members = shards.into_iter().map(|shard| Member { shard: Arc::new(shard), guest_until });
        Self { version: 0, members: members.collect(), owners: placement.first_owners() }
    }

    /// Which topology this is: each change has a higher number.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The shards, in the order of their numbers in this topology.
    pub fn shards(&self) -> impl ExactSizeIterator<Item = &Arc<Shard>> {
        self.members.iter().map(|member| &member.shard)
    }

    /// The shard of this number.
    pub(super) fn shard(&self, number: usize) -> &Arc<Shard> {
        &self.members[number].shard
    }

    /// The number of the shard that has this slot.
    pub(super) fn owner(&self, slot: Slot) -> usize {
        usize::from(self.owners[slot.index()])
    }

    /// The shard that has this slot.
    pub(super) fn shard_of(&self, slot: Slot) -> &Arc<Shard> {
        self.shard(self.owner(slot))
    }

    /// The shards that have slots.
    pub(super) fn owners(&self) -> Vec<&Arc<Shard>> {
        let mut owns = vec![false; self.members.len()];
        self.owners.iter().for_each(|&owner| owns[usize::from(owner)] = true);
        self.shards().zip(owns).filter(|(_, owns)| *owns).map(|(shard, _)| shard).collect()
    }

    /// How many slots each shard has, by its number.
    pub(super) fn slot_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.members.len()];
        self.owners.iter().for_each(|&owner| counts[usize::from(owner)] += 1);
        counts
    }

    /// The number of the shard at this address.
    pub(super) fn find(&self, address: &NodeAddress) -> Option<usize> {
        self.shards().position(|shard| shard.address() == address)
    }

    /// Whether a node at this address is here and stays for a while, slots or not.
    pub(super) fn stays(&self, address: &NodeAddress, now: Instant) -> bool {
        let soon = now + GUEST_FOR / 2;
        self.members.iter().any(|member| member.shard.address() == address && member.guest_until > soon)
    }

    /// Gives a topology that was changed the next number.
    pub(super) fn advance(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Lets a node in, or stay; gives its number, nothing where there are too many.
    pub(super) fn admit(&mut self, address: NodeAddress, now: Instant) -> Option<usize> {
        let guest_until = now + GUEST_FOR;
        if let Some(number) = self.find(&address) {
            self.members[number].guest_until = guest_until;
            return Some(number);
        }
        if self.members.len() >= MAX_MEMBERS {
            return None;
        }
        let shard = Arc::new(self.members.first()?.shard.beside(address));
        self.members.push(Member { shard, guest_until });
        Some(self.members.len() - 1)
    }

    /// Gives slots to a member.
    pub(super) fn give(&mut self, slots: RangeInclusive<u16>, number: usize) {
        let number = u16::try_from(number).unwrap_or_default();
        for slot in slots {
            self.owners[Slot(slot).index()] = number;
        }
    }

    /// Sends away those who have no slots and have been guests for long enough.
    pub(super) fn retire(&mut self, now: Instant) {
        let mut stays: Vec<bool> = self.members.iter().map(|member| member.guest_until > now).collect();
        self.owners.iter().for_each(|&owner| stays[usize::from(owner)] = true);
        let mut left = 0;
        let renumbered: Vec<u16> = stays
            .iter()
            .map(|&stays| {
                left += u16::from(stays);
                left.saturating_sub(1)
            })
            .collect();
        self.owners.iter_mut().for_each(|owner| *owner = renumbered[usize::from(*owner)]);
        let mut stays = stays.into_iter();
        self.members.retain(|_| stays.next() == Some(true));
    }

    /// Whether both say the same of every slot and of every shard.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let same = |(one, other): (&Arc<Shard>, &Arc<Shard>)| Arc::ptr_eq(one, other);
        self.owners == other.owners
            && self.shards().len() == other.shards().len()
            && self.shards().zip(other.shards()).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::shared::tests::settings;

    fn address(port: u16) -> NodeAddress {
        format!("redis://127.0.0.1:{port}").parse().unwrap()
    }

    /// A Cluster of which only the first node is known.
    fn cluster() -> Topology {
        let placement = Placement::cluster("rk:");
        Topology::new(Shard::all(vec![address(1)], true, &settings()), &placement)
    }

    fn owner(topology: &Topology, slot: u16) -> NodeAddress {
        topology.shard_of(Slot(slot)).address().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn slots_go_from_node_to_node() {
        let mut topology = cluster();
        let second = topology.admit(address(2), Instant::now()).unwrap();
        topology.give(8_000..=16_383, second);
        assert_eq!(topology.admit(address(2), Instant::now()), Some(second), "a node is known once");
        assert_eq!([owner(&topology, 7_999), owner(&topology, 8_000)], [address(1), address(2)]);
        assert_eq!(topology.owners().len(), 2);
        assert_eq!(topology.slot_counts(), [8_000, 8_384]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_without_slots_leaves_after_a_while() {
        let (mut topology, begin) = (cluster(), Instant::now());
        for port in [2, 3] {
            let number = topology.admit(address(port), begin).unwrap();
            topology.give(port * 4_000..=16_383, number);
        }
        topology.give(0..=11_999, 1);
        topology.retire(begin);
        assert_eq!(topology.find(&address(1)), None, "nodes of the settings do not stay");
        assert_eq!([owner(&topology, 0), owner(&topology, 12_000)], [address(2), address(3)]);
        topology.give(0..=11_999, 1);
        topology.retire(begin + GUEST_FOR - Duration::from_millis(1));
        assert!(topology.find(&address(2)).is_some());
        topology.retire(begin + GUEST_FOR);
        assert!(topology.find(&address(2)).is_none());
        assert_eq!([owner(&topology, 0), owner(&topology, 16_383)], [address(3), address(3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_an_end_to_new_nodes() {
        let mut topology = cluster();
        let admitted = (2..=3_000).filter(|&port| topology.admit(address(port), Instant::now()).is_some());
        assert_eq!(admitted.count(), MAX_MEMBERS - 1);
    }
}
