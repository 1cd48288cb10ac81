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
        let slot = self.slots[id as usize].take().expect(LIVE);
        self.free.push(id);
        if self.free.len() == self.slots.len() {
            // Who walks through an empty table shall not pay for what it held once.
            self.slots.clear();
            self.free.clear();
        }
        slot
    }

    /// Some entries, picked by a seed; the first ones where there are not more than so many.
    pub(super) fn picked(&self, seed: u64, most: u64) -> impl Iterator<Item = (SlotId, &Slot<V>)> {
        let len = self.slots.len() as u64;
        let step = move |turn: u64| if len <= most { turn } else { scramble(seed, turn) % len };
        let picked = (0..most.min(len)).map(step).filter_map(|at| SlotId::try_from(at).ok());
        picked.filter_map(|id| Some((id, self.slots[id as usize].as_ref()?)))
    }

    pub(super) fn get(&self, id: SlotId) -> &Slot<V> {
        self.slots[id as usize].as_ref().expect(LIVE)
    }

    pub(super) fn get_mut(&mut self, id: SlotId) -> &mut Slot<V> {
        self.slots[id as usize].as_mut().expect(LIVE)
    }

    /// So many places from this index on, free ones included, and the index behind them where there are more.
    pub(super) fn piece(&self, from: SlotId, most: usize) -> (&[Option<Slot<V>>], Option<SlotId>) {
        let rest = self.slots.get(from as usize..).unwrap_or_default();
        let (piece, behind) = rest.split_at(most.min(rest.len()));
        let next = SlotId::try_from(piece.len()).ok().and_then(|len| from.checked_add(len));
        (piece, next.filter(|_| !behind.is_empty()))
    }

    /// The entry at this index, if there is one.
    pub(super) fn at(&self, id: SlotId) -> Option<&Slot<V>> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// The lowest index that was never used since there was nothing.
    pub(super) fn places(&self) -> SlotId {
        SlotId::try_from(self.slots.len()).unwrap_or(SlotId::MAX)
    }
}

/// Scatters a counter over all 64 bits (the finalizer of Steele's SplitMix64).
fn scramble(seed: u64, turn: u64) -> u64 {
    let mut mixed = seed.wrapping_add((turn + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

const LIVE: &str = "the table and the expiry index name only entries that are there";
