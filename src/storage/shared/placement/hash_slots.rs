//! A Redis Cluster's hash slots: CRC16 (XMODEM) of the whole key, modulo their number.
//!
//! A key in braces would be hashed by what stands in the braces alone. Ours have none: counters escape them, and the
//! settings allow none in the prefix. See <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>.

use crc::{CRC_16_XMODEM, Crc, Table};

use crate::storage::redis::slot_map::SLOTS;
use crate::storage::slot::Slot;

/// Takes sixteen bytes at a time.
static CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_XMODEM);

/// Hashes keys behind a prefix that they all have.
#[derive(Debug)]
pub struct HashSlots {
    /// The prefix's checksum, from which every key's goes on.
    prefix: u16,
}

impl HashSlots {
    pub(super) fn new(key_prefix: &str) -> Self {
        Self { prefix: CRC.checksum(key_prefix.as_bytes()) }
    }

    pub(super) fn of(&self, key: &[u8]) -> Slot {
        let mut digest = CRC.digest_with_initial(self.prefix);
        digest.update(key);
        Slot(digest.finalize() % SLOTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a server's `CLUSTER KEYSLOT`.
    #[test]
    fn slots_are_those_of_a_real_server() {
        for (prefix, key, slot) in
            [("", "", 0), ("", "123456789", 12_739), ("rk:", "1|f60|mesh|user=alice", 7_329)]
        {
            assert_eq!(HashSlots::new(prefix).of(key.as_bytes()), Slot(slot), "{prefix}{key}");
        }
    }
}
