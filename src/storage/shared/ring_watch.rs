//! Which rings the replicas that share the store place counters by. Where they are not all the same, a counter may have two
//! places, so whoever rolls out another ring is told that it has begun and that it is over.
//!
//! Each shard's keeper hears of the rings that are announced there; what counts is what any of them heard lately.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a ring counts as in use after a keeper heard of it: keepers ask about every second.
const HEARD_FOR: Duration = Duration::from_millis(2_500);

/// What placement goes by, in 64 bits: two rings that place any counter differently have different hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RingHash(pub u64);

/// This replica's ring and those of others.
#[derive(Debug)]
pub struct RingWatch {
    own: RingHash,
    others: Mutex<Others>,
}

#[derive(Debug, Default)]
struct Others {
    heard: BTreeMap<RingHash, Instant>,
    told: Vec<RingHash>,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// Replicas with these rings share the store, too.
    Others(Vec<RingHash>),
    /// There is one ring again.
    Alike,
}

impl RingHash {
    /// Reads what [`fmt::Display`] writes, and nothing else.
    fn parse(text: &[u8]) -> Option<Self> {
        let fits = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 16)?;
        text.bytes().all(|byte| fits(&byte)).then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for RingHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl RingWatch {
    pub(super) fn new(own: RingHash) -> Self {
        Self { own, others: Mutex::default() }
    }

    /// The ring of this replica.
    #[must_use]
    pub fn own(&self) -> RingHash {
        self.own
    }

    /// The rings of other replicas that differ from this one's.
    #[must_use]
    pub fn others(&self) -> Vec<RingHash> {
        self.others.lock().told.clone()
    }

    /// Takes in what a shard told of the rings in use.
    pub(super) fn hear(&self, rings: &[Vec<u8>], now: Instant) {
        let Some(change) = self.note(rings, now) else { return };
        let own = self.own;
        match change {
            Change::Others(others) => tracing::warn!(
                ring = %own, others = %listed(&others),
                "replicas that share this store place counters by another ring of servers: until all have the same, a counter \
                 that has two places may let its limit pass at each; finish the rollout, or give every replica the same \
                 servers in redis.urls, named alike"
            ),
            Change::Alike => {
                tracing::info!(ring = %own, "all replicas that share this store have the same ring of servers again");
            }
        }
    }

    fn note(&self, rings: &[Vec<u8>], now: Instant) -> Option<Change> {
        let mut others = self.others.lock();
        let heard = rings.iter().filter_map(|ring| RingHash::parse(ring)).filter(|ring| *ring != self.own);
        others.heard.extend(heard.map(|ring| (ring, now)));
        others.heard.retain(|_, heard| now.duration_since(*heard) < HEARD_FOR);
        let there: Vec<RingHash> = others.heard.keys().copied().collect();
        if there == others.told {
            return None;
        }
        others.told.clone_from(&there);
        Some(if there.is_empty() { Change::Alike } else { Change::Others(there) })
    }
}

fn listed(rings: &[RingHash]) -> String {
    rings.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(watch: &RingWatch, rings: &[&str], now: Instant, expected: Option<&Change>) {
        let rings: Vec<Vec<u8>> = rings.iter().map(|ring| ring.as_bytes().to_vec()).collect();
        assert_eq!(watch.note(&rings, now).as_ref(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_is_told_once() {
        let (watch, begin) = (RingWatch::new(RingHash(0xA)), Instant::now());
        let own = "000000000000000a";
        let others = |hashes: &[u64]| Change::Others(hashes.iter().map(|&hash| RingHash(hash)).collect());
        check(&watch, &[own], begin, None);
        check(&watch, &[own, "000000000000000b"], begin, Some(&others(&[0xB])));
        check(&watch, &["000000000000000b", own], begin, None);
        check(&watch, &["ffffffffffffffff"], begin, Some(&others(&[0xB, u64::MAX])));
        // Another shard, where only this ring is known, says nothing against it.
        check(&watch, &[own], begin + HEARD_FOR / 2, None);
        check(&watch, &["000000000000000b"], begin + HEARD_FOR / 2, None);
        check(&watch, &[own], begin + HEARD_FOR, Some(&others(&[0xB])));
        assert_eq!(watch.others(), [RingHash(0xB)]);
        check(&watch, &[own], begin + 2 * HEARD_FOR, Some(&Change::Alike));
        check(&watch, &[own], begin + 3 * HEARD_FOR, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_ring_is_left_out() {
        let watch = RingWatch::new(RingHash(0xA));
        let foreign =
            ["", "b", "000000000000000B", "+00000000000000b", "000000000000000b\n", "00000000000000é"];
        check(&watch, &foreign, Instant::now(), None);
        assert_eq!(RingHash::parse(RingHash(7).to_string().as_bytes()), Some(RingHash(7)));
    }
}
