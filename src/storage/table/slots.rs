//! The memory of one table: entries in chunks, each at a place that stays its own until it is taken away.
//!
//! Chunks are made when they are needed and given back when they are empty, so that neither growing nor forgetting moves
//! entries or takes longer the more of them there are.

use std::num::NonZeroU32;

use crate::storage::table::key_bytes::KeyBytes;

/// An entry's place.
pub(crate) type SlotId = u32;

/// One entry.
#[derive(Debug)]
pub(super) struct Slot<V> {
    pub(super) key: KeyBytes,
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

/// Places in a chunk. Few, because every shard with a counter in it has a chunk; and as many as make a chunk of counters fill
/// 2 KiB, since allocators give powers of two as they are asked for, but may round other sizes up by as much as a quarter.
const CHUNK: SlotId = 21;

/// A chunk's `used` when every place is taken.
const FULL: u32 = (1 << CHUNK) - 1;

/// How often a place is picked before there is nothing to pick: where every second place is free, once in 10^19 tables.
const MOST_PICKS: u64 = 64;

/// Entries and the places that are free.
#[derive(Debug)]
pub(super) struct Slots<V> {
    chunks: Vec<Chunk<V>>,
    /// Chunks with a free place, each once.
    with_room: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Chunk<V> {
    /// A bit for each place that is taken.
    used: u32,
    /// None where no place is taken.
    slots: Option<Box<Places<V>>>,
}

type Places<V> = [Option<Slot<V>>; CHUNK as usize];

impl<V> Slots<V> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), with_room: Vec::new(), len: 0 }
    }

    pub(super) fn insert(&mut self, slot: Slot<V>) -> SlotId {
        let index = self.chunk_with_room();
        let chunk = &mut self.chunks[index as usize];
        let place = chunk.used.trailing_ones();
        chunk.slots.get_or_insert_with(new_places)[place as usize] = Some(slot);
        chunk.used |= 1 << place;
        if chunk.used == FULL {
            self.with_room.pop();
        }
        self.len += 1;
        index * CHUNK + place
    }

    pub(super) fn remove(&mut self, id: SlotId) -> Slot<V> {
        let (index, place) = split(id);
        let chunk = &mut self.chunks[index];
        let slot = chunk.slots.as_mut().and_then(|slots| slots[place].take()).expect(LIVE);
        if chunk.used == FULL {
            self.with_room.push(id / CHUNK);
        }
        chunk.used &= !(1 << place);
        if chunk.used == 0 {
            chunk.slots = None;
        }
        self.len -= 1;
        if self.len == 0 {
            // Who walks through an empty table shall not pay for what it held once.
            self.chunks.clear();
            self.with_room.clear();
        }
        slot
    }

    /// Some entries, picked by a seed; all where they are few.
    pub(super) fn picked(&self, seed: u64, most: usize) -> impl Iterator<Item = (SlotId, &Slot<V>)> {
        let (places, few) = (u64::from(self.places()), self.chunks.len() <= 1);
        let (turns, most) = if few { (places, CHUNK as usize) } else { (MOST_PICKS, most) };
        let place = move |turn: u64| if few { turn } else { scramble(seed, turn) % places };
        let picked = (0..turns).map(place).filter_map(|at| SlotId::try_from(at).ok());
        picked.filter_map(|id| Some((id, self.at(id)?))).take(most)
    }

    pub(super) fn get(&self, id: SlotId) -> &Slot<V> {
        self.at(id).expect(LIVE)
    }

    pub(super) fn get_mut(&mut self, id: SlotId) -> &mut Slot<V> {
        let (chunk, place) = split(id);
        self.chunks[chunk].slots.as_mut().and_then(|slots| slots[place].as_mut()).expect(LIVE)
    }

    /// The entry at this place, if there is one.
    pub(super) fn at(&self, id: SlotId) -> Option<&Slot<V>> {
        let (chunk, place) = split(id);
        self.chunks.get(chunk)?.slots.as_ref()?[place].as_ref()
    }

    /// Entries are at places below this one.
    pub(super) fn places(&self) -> SlotId {
        SlotId::try_from(self.chunks.len() * CHUNK as usize).unwrap_or(SlotId::MAX)
    }

    /// The chunk that the next entry goes to: one that is in use before one that would have to be made.
    fn chunk_with_room(&mut self) -> u32 {
        if let Some(&index) = self.with_room.last() {
            return index;
        }
        let index = u32::try_from(self.chunks.len()).ok().filter(|&index| index < SlotId::MAX / CHUNK);
        let index = index.expect("a table holds fewer than 2^32 entries");
        self.chunks.push(Chunk { used: 0, slots: None });
        self.with_room.push(index);
        index
    }
}

fn new_places<V>() -> Box<Places<V>> {
    Box::new([const { None }; CHUNK as usize])
}

/// The chunk of a place, and where it is there.
fn split(id: SlotId) -> (usize, usize) {
    ((id / CHUNK) as usize, (id % CHUNK) as usize)
}

/// Scatters a counter over all 64 bits (the finalizer of Steele's SplitMix64).
fn scramble(seed: u64, turn: u64) -> u64 {
    let mut mixed = seed.wrapping_add((turn + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

const LIVE: &str = "the table and the expiry index name only entries that are there";
