//! Which shards there are and which slots each has, at one moment. A request sees one topology from its start to its end.
//!
//! Of one server and of a ring there is a single one for ever. A Redis Cluster's changes: a node is told of by the map that
//! nodes give, or by a redirect. One that has no slots stays for [`GUEST_FOR`]: it may be about to get some, or be back soon.

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::storage::redis::node::NodeAddress;
use crate::storage::shared::group::ShardGroup;
use crate::storage::shared::shard::{Shard, ShardSettings};
use crate::storage::slot::Slot;

/// How long a Cluster's node stays known without having a slot.
pub(super) const GUEST_FOR: Duration = Duration::from_mins(1);

/// Nodes at the most; Redis advises against more than a thousand.
const MAX_MEMBERS: usize = 2_000;

/// The shards and their slots.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    version: u64,
    members: Vec<Member>,
    /// For each slot the place of its shard among the members.
    owners: Vec<u16>,
}

/// A shard, and how long it stays if it has no slots.
#[derive(Debug, Clone)]
struct Member {
    shard: Arc<Shard>,
    guest_until: Instant,
}

impl Topology {
    /// Adds a group's shards, each with the slots that the placement gives it to begin with.
    pub(super) fn add(
        &mut self,
        addresses: Vec<NodeAddress>,
        group: &Arc<ShardGroup>,
        settings: ShardSettings,
    ) {
        let first = u16::try_from(self.members.len()).unwrap_or_default();
        // Nodes that only the settings name leave with the first map that does not know them.
        let guest_until = Instant::now();
        let shard = |address| Arc::new(Shard::new(address, group, settings));
        self.members
            .extend(addresses.into_iter().map(|address| Member { shard: shard(address), guest_until }));
        self.owners.extend(group.placement().first_owners().iter().map(|owner| first + owner));
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> u16 {
        u16::try_from(self.owners.len()).unwrap_or(u16::MAX)
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

    /// The number of the group's shard at this address.
    pub(super) fn find(&self, group: &Arc<ShardGroup>, address: &NodeAddress) -> Option<usize> {
        self.shards().position(|shard| Arc::ptr_eq(shard.group(), group) && shard.address() == address)
    }

    /// Whether this shard has any slots.
    pub(super) fn has_slots(&self, shard: &Arc<Shard>) -> bool {
        self.owners().iter().any(|owner| Arc::ptr_eq(owner, shard))
    }

    /// Whether a node at this address is here and stays for a while, slots or not.
    pub(super) fn stays(&self, group: &Arc<ShardGroup>, address: &NodeAddress, now: Instant) -> bool {
        let soon = now + GUEST_FOR / 2;
        self.find(group, address).is_some_and(|number| self.members[number].guest_until > soon)
    }

    /// Gives a topology that was changed the next number.
    pub(super) fn advance(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Lets a node into a group, or stay; gives its number, nothing where there are too many.
    pub(super) fn admit(
        &mut self,
        group: &Arc<ShardGroup>,
        address: NodeAddress,
        now: Instant,
    ) -> Option<usize> {
        let guest_until = now + GUEST_FOR;
        if let Some(number) = self.find(group, &address) {
            self.members[number].guest_until = guest_until;
            return Some(number);
        }
        if self.members.len() >= MAX_MEMBERS {
            return None;
        }
        let other = self.shards().find(|shard| Arc::ptr_eq(shard.group(), group))?;
        let shard = Arc::new(other.beside(address));
        self.members.push(Member { shard, guest_until });
        Some(self.members.len() - 1)
    }

    /// Gives slots to a member.
    pub(super) fn give(&mut self, slots: RangeInclusive<Slot>, number: usize) {
        let number = u16::try_from(number).unwrap_or_default();
        if let Some(owners) = self.owners.get_mut(slots.start().index()..=slots.end().index()) {
            owners.fill(number);
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
