//! Announcing by which ring of servers a replica places counters, and reading by which others do.

use super::{ALIVE_MILLIS, Side};
use crate::decision::time::Timestamp;
use crate::storage::redis::failure::Failure;

/// Rings that are read at a time: a rollout has two, and who has more is told of some of them.
const MOST_RINGS: isize = 16;

impl Side {
    /// Says under `key` that a replica with this ring is alive, and gives the rings of all that are, newest first.
    /// What is given may have been written by anybody.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn announce_ring(
        &self,
        key: &str,
        ring: &str,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.zadd(key, ring, now.millis()).ignore();
        pipeline.zrembyscore(key, "-inf", now.millis().saturating_sub(ALIVE_MILLIS)).ignore();
        pipeline.zrevrange(key, 0, MOST_RINGS - 1);
        pipeline.pexpire(key, 2 * ALIVE_MILLIS as i64).ignore();
        let (rings,): (Vec<Vec<u8>>,) = self.run(&pipeline).await?;
        Ok(rings)
    }
}
