//! Consistent hashing over independent servers.
//!
//! Each server has [`VIRTUAL_NODES`] points on a circle of 64 bits; a key belongs to the first point at or after its own. So
//! a server that is added takes its share from all others, and nothing else moves. Placement is part of the contract between
//! replicas: the hash is fixed and a test pins where keys go.

use std::hash::{BuildHasher, Hash, Hasher};

use hashring::HashRing;

use crate::storage::shared::ring_watch::RingHash;
use crate::storage::slot::Slot;

/// Points of each server: with so many, shares differ by a few per cent.
const VIRTUAL_NODES: u32 = 160;

/// Servers on a circle.
pub struct Ring {
    circle: HashRing<Point, FixedHasher>,
    servers: u16,
    hash: RingHash,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a ring of {} points", self.circle.len())
    }
}

/// One point of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Point {
    /// The server's place in the list of names.
    server: Slot,
    /// What is hashed: the server's name and the number of the point.
    name: Vec<u8>,
}

/// Only the name decides; the list's order does not.
impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.name);
    }
}

/// A key, hashed by its bytes alone.
struct Key<'k>(&'k [u8]);

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

impl Ring {
    /// The ring of servers with these names.
    pub(super) fn new(names: &[String]) -> Self {
        let mut circle = HashRing::with_hasher(FixedHasher);
        let points = names.iter().zip(0..).flat_map(|(name, server)| {
            let server = Slot(server);
            (0..VIRTUAL_NODES).map(move |point| Point { server, name: point_name(name, point) })
        });
        circle.batch_add(points.collect());
        let servers = u16::try_from(names.len()).unwrap_or(u16::MAX);
        Self { circle, servers, hash: hash(names) }
    }

    /// Alike for rings that place all keys alike, whatever the order of the list.
    pub(super) fn hash(&self) -> RingHash {
        self.hash
    }

    /// The server that has this key.
    pub(super) fn find(&self, key: &[u8]) -> Slot {
        self.circle.get(&Key(key)).map_or(Slot::default(), |point| point.server)
    }

    /// How many servers there are.
    pub(super) fn servers(&self) -> u16 {
        self.servers
    }
}

fn point_name(server: &str, point: u32) -> Vec<u8> {
    format!("{server}#{point}").into_bytes()
}

/// Over every server's name and where its points are, so over the hash and the number of points, too.
fn hash(names: &[String]) -> RingHash {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    let mut all = FixedHasher.build_hasher();
    for name in names {
        all.write(name.as_bytes());
        // No name has this byte, so no two lists of names read alike.
        all.write(&[0xFF]);
        for point in 0..VIRTUAL_NODES {
            let mut place = FixedHasher.build_hasher();
            place.write(&point_name(name, point));
            all.write(&place.finish().to_be_bytes());
        }
    }
    RingHash(all.finish())
}

/// FNV-1a over the bytes, its bits then mixed by the finalizer of MurmurHash3, because FNV alone leaves the high bits of
/// short names alike. The same on every machine and in every version.
#[derive(Debug, Clone, Copy)]
struct FixedHasher;

struct FixedState(u64);

impl BuildHasher for FixedHasher {
    type Hasher = FixedState;

    fn build_hasher(&self) -> FixedState {
        FixedState(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for FixedState {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
        mixed ^ (mixed >> 33)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("redis-{index}:6379")).collect()
    }

    fn placed(ring: &Ring, keys: u32) -> Vec<usize> {
        (0..keys).map(|key| ring.find(format!("1|f60|demo|user={key}").as_bytes()).index()).collect()
    }

    #[test]
    fn placement_is_pinned() {
        let ring = Ring::new(&names(3));
        assert_eq!(placed(&ring, 16), PINNED);
    }

    const PINNED: [usize; 16] = [1, 1, 0, 1, 2, 0, 1, 1, 0, 2, 0, 0, 0, 2, 0, 0];

    #[test]
    fn shares_are_even_and_few_keys_move() {
        let (three, four) = (Ring::new(&names(3)), Ring::new(&names(4)));
        let (before, after) = (placed(&three, 30_000), placed(&four, 30_000));
        for shard in 0..3 {
            let share = before.iter().filter(|&&at| at == shard).count();
            assert!((8_000..12_000).contains(&share), "{share}");
        }
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after);
        assert!(moved.clone().all(|(_, &after)| after == 3), "keys move to the new server only");
        assert!((5_500..9_500).contains(&moved.count()));
    }

    #[test]
    fn a_ring_is_known_by_its_servers() {
        let hash = |names: &[String]| Ring::new(names).hash();
        let mut turned = names(3);
        turned.reverse();
        assert_eq!(hash(&names(3)), hash(&turned));
        assert_eq!(hash(&names(3)).to_string(), "3a6873edff6b7e73");
        let mut others = [names(2), names(4), names(3), names(3)];
        others[2][0].push('0');
        others[3].swap_remove(0);
        assert!(others.iter().all(|other| hash(other) != hash(&names(3))));
        assert_ne!(hash(&["a".into(), "b".into()]), hash(&["ab".into()]));
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let (names, mut turned) = (names(3), names(3));
        turned.reverse();
        let (ring, other) = (Ring::new(&names), Ring::new(&turned));
        let same = |key: usize| names[placed(&ring, 100)[key]] == turned[placed(&other, 100)[key]];
        assert!((0..100).all(same));
    }
}
