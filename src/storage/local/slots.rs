//! The memory of one shard: counters in a vector, each at an index that stays its own until it is taken away.

use crate::decision::fixed_window::Window;

/// A counter's index.
pub(super) type SlotId = u32;

/// One counter.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Box<[u8]>,
    pub(super) hash: u64,
    pub(super) window: Window,
    /// When it may be forgotten, in seconds since the epoch.
    pub(super) expires: u64,
    /// The neighbours among the counters that expire at the same time.
    pub(super) neighbours: Neighbours,
}

/// Links of a doubly linked list.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Neighbours {
    pub(super) before: Option<Link>,
    pub(super) after: Option<Link>,
}

/// A [`SlotId`] plus one, so that "none" costs no room.
pub(super) type Link = std::num::NonZeroU32;

/// Counters and the indices that are free.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Option<Slot>>,
    free: Vec<SlotId>,
}

impl Slots {
    pub(super) fn insert(&mut self, slot: Slot) -> SlotId {
        if let Some(id) = self.free.pop() {
            self.slots[id as usize] = Some(slot);
            return id;
        }
        let id = SlotId::try_from(self.slots.len()).expect("a shard holds fewer than 2^32 counters");
        self.slots.push(Some(slot));
        id
    }

    pub(super) fn remove(&mut self, id: SlotId) -> Slot {
        self.free.push(id);
        self.slots[id as usize].take().expect(LIVE)
    }

    pub(super) fn get(&self, id: SlotId) -> &Slot {
        self.slots[id as usize].as_ref().expect(LIVE)
    }

    pub(super) fn get_mut(&mut self, id: SlotId) -> &mut Slot {
        self.slots[id as usize].as_mut().expect(LIVE)
    }
}

const LIVE: &str = "the table and the expiry index name only counters that are there";
