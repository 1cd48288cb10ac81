//! Puts orders into calls.

use ahash::RandomState;
use hashbrown::HashTable;

use super::{CountCall, KeyUse, Passenger};
use crate::decision::hit::Hit;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;
use crate::storage::redis::order::{Mode, Order, Way};
use crate::storage::redis::script::Script;

/// Finds the call and the key that a hit belongs to. Kept from flight to flight for its room.
#[derive(Debug, Default)]
pub(in crate::storage::redis) struct Packer {
    hasher: RandomState,
    keys: HashTable<Entry>,
    calls: Vec<CountCall>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    call: usize,
    key: u32,
}

impl Packer {
    /// Takes an order, at this time of the server's, into the call that goes to its slot or into a new one; says how many keys
    /// that added.
    pub(in crate::storage::redis) fn add(&mut self, passenger: Passenger, now: Timestamp) -> usize {
        let call = self.call_for(&passenger.order, now);
        let before = self.calls[call].keys.len();
        self.calls[call].now = self.calls[call].now.max(now);
        let index = self.calls[call].passengers.len();
        self.calls[call].passengers.push(passenger);
        for hit in 0..self.calls[call].passengers[index].order.hits.len() {
            self.add_hit(call, index, hit);
        }
        self.calls[call].keys.len() - before
    }

    /// The calls that were packed.
    pub(in crate::storage::redis) fn finish(&mut self) -> Vec<CountCall> {
        self.keys.clear();
        let mut calls = std::mem::take(&mut self.calls);
        calls.iter_mut().filter(|call| call.script != Script::CountUnlessDenied).for_each(CountCall::sort);
        calls
    }

    fn call_for(&mut self, order: &Order, now: Timestamp) -> usize {
        let script = match order.mode {
            Mode::Count => Script::count(order.algorithm()),
            Mode::CountUnlessDenied { .. } => Script::CountUnlessDenied,
        };
        let may_share = |call: &CountCall| call.script == script && call.route == order.route;
        let found = match order.route.way {
            Way::Straight => self.calls.iter().position(may_share),
            Way::OneKey => {
                let key = order.hits.first().map(|hit| &hit.key);
                let names_it = |call: &CountCall| Some(&call.passengers[0].order.hits[0].key) == key;
                self.calls.iter().position(|call| may_share(call) && names_it(call))
            }
            Way::Apart | Way::Asking => None,
        };
        found.unwrap_or_else(|| {
            self.calls.push(CountCall {
                script,
                route: order.route,
                now,
                keys: Vec::new(),
                places: Vec::new(),
                passengers: Vec::new(),
            });
            self.calls.len() - 1
        })
    }

    fn add_hit(&mut self, call: usize, passenger: usize, hit: usize) {
        let Self { hasher, keys, calls } = self;
        let this = &mut calls[call];
        let wanted = &this.passengers[passenger].order.hits[hit];
        let hash = hasher.hash_one(wanted.key.as_bytes());
        let is_same = |entry: &Entry| {
            entry.hash == hash && entry.call == call && name_of(this, entry.key).key == wanted.key
        };
        let key = keys.find(hash, is_same).map_or_else(|| next_key(this), |entry| entry.key);
        if key == next_key(this) {
            this.keys.push(KeyUse { passenger, hit, hits: 0, sum: 0, only_takes: true, uniform: true });
            keys.insert_unique(hash, Entry { hash, call, key }, |entry| entry.hash);
        }
        let (first, this_one) = (this.first_hit(&this.keys[key as usize]), wanted);
        let alike = first.hits == this_one.hits && first.limit == this_one.limit;
        let hits = this_one.hits;
        this.keys[key as usize].note(hits, alike);
        this.places.push(key);
    }
}

impl KeyUse {
    fn note(&mut self, hits: Hits, alike: bool) {
        self.hits += 1;
        self.uniform &= alike;
        match hits {
            Hits::Take(amount) => self.sum += u64::from(amount),
            Hits::Refund(_) => self.only_takes = false,
        }
    }
}

fn name_of(call: &CountCall, key: u32) -> &Hit {
    call.first_hit(&call.keys[key as usize])
}

/// The index that a new key of the call gets.
fn next_key(call: &CountCall) -> u32 {
    u32::try_from(call.keys.len()).unwrap_or(u32::MAX)
}
