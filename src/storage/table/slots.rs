//! The memory of one table: entries in a vector, each at an index that stays its own until it is taken away.

use std::num::NonZeroU32;

/// An entry's index.
pub(crate) type SlotId = u32;

/// One entry.
#[derive(Debug)]
pub(super) struct Slot<V> {
    pub(super) key: Box<[u8]>,
    pub(super) hash: u64,
    pub(super) value: V,
    /// When it may be forgotten, in seconds since the epoch.
    pub(super) expires: u64,
    /// The neighbours among the entries that expire at the same time.
    pub(super) neighbours: Neighbours,
}

/// Links of a doubly linked list.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Neighbours {
    pub(super) before: Option<Link>,
    pub(super) after: Option<Link>,
}

/// A [`SlotId`] plus one, so that "none" costs no room.
pub(super) type Link = NonZeroU32;

/// Entries and the indices that are free.
#[derive(Debug)]
pub(super) struct Slots<V> {
    slots: Vec<Option<Slot<V>>>,
    free: Vec<SlotId>,
}

impl<V> Slots<V> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn insert(&mut self, slot: Slot<V>) -> SlotId {
        if let Some(id) = self.free.pop() {
            self.slots[id as usize] = Some(slot);
            return id;
        }
        let id = SlotId::try_from(self.slots.len()).expect("a table holds fewer than 2^32 entries");
        self.slots.push(Some(slot));
        id
    }

    pub(super) fn remove(&mut self, id: SlotId) -> Slot<V> {
        self.free.push(id);
        self.slots[id as usize].take().expect(LIVE)
    }

    pub(super) fn get(&self, id: SlotId) -> &Slot<V> {
        self.slots[id as usize].as_ref().expect(LIVE)
    }

    pub(super) fn get_mut(&mut self, id: SlotId) -> &mut Slot<V> {
        self.slots[id as usize].as_mut().expect(LIVE)
    }

    /// The first entry at this index or behind it.
    pub(super) fn next(&self, from: SlotId) -> Option<SlotId> {
        let behind = self.slots.get(from as usize..)?;
        let steps = behind.iter().position(Option::is_some)?;
        SlotId::try_from(steps).ok()?.checked_add(from)
    }
}

const LIVE: &str = "the table and the expiry index name only entries that are there";
