//! The life of one connection, whatever its protocol: serving, asked to leave, ended or dropped.
//!
//! ```text
//! serving ── maximum age ──→ leaving, until its grace is over ──→ dropped
//!    └────── drain begins ──→ leaving, until the drain's deadline ──→ dropped
//! ```
//!
//! From either of the first two it ends when the peer closes it, breaks the protocol, or stops answering.

use std::pin::{Pin, pin};
use std::time::Duration;

use ahash::RandomState;

use super::drain::PhaseWatch;
use super::settings::Lifetime;
use super::stats::ConnectionStats;

/// Makes the maximum ages of connections differ, so that those opened together do not all come back together.
#[derive(Debug, Default)]
pub(crate) struct Jitter {
    noise: RandomState,
    connections: u64,
}

/// Drives the connection to its end. `leave` asks it to finish what runs and to take nothing new.
pub(crate) async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    leave: impl FnOnce(Pin<&mut C>),
    lifetime: &Lifetime,
    mut phase: PhaseWatch,
    stats: &ConnectionStats,
) {
    let mut connection = pin!(connection);
    let aged = tokio::select! {
        biased;
        ended = connection.as_mut() => return note(ended, stats),
        () = phase.draining() => false,
        () = sleep_or_never(lifetime.max_age) => true,
    };
    if aged {
        stats.aged.increment();
    }
    leave(connection.as_mut());
    tokio::select! {
        biased;
        ended = connection => note(ended, stats),
        () = phase.cut() => stats.cut_by_drain.increment(),
        () = tokio::time::sleep(lifetime.grace), if aged => stats.cut_by_age.increment(),
    }
}

impl Jitter {
    /// The lifetime of the next connection: its maximum age up to a tenth more or less.
    pub(crate) fn apply(&mut self, lifetime: &Lifetime) -> Lifetime {
        self.connections += 1;
        let max_age = lifetime.max_age.map(|age| spread(age, self.noise.hash_one(self.connections)));
        Lifetime { max_age, grace: lifetime.grace }
    }
}

/// Between 0.9 and 1.1 times `age`; the lowest `noise` gives the least.
fn spread(age: Duration, noise: u64) -> Duration {
    const STEPS: u32 = 1 << 16;
    // The top 16 bits of the noise.
    let [high, low, ..] = noise.to_be_bytes();
    age - age / 10 + (age / 5 / STEPS) * u32::from(u16::from_be_bytes([high, low]))
}

async fn sleep_or_never(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn note(ended: hyper::Result<()>, stats: &ConnectionStats) {
    if let Err(error) = ended {
        stats.failed.increment();
        // A peer's fault: what it sent or that it went away. Not ours to act on, and it may send it often.
        tracing::debug!(%error, "a connection failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let age = Duration::from_secs(1000);
        assert_eq!(spread(age, 0), Duration::from_secs(900));
        assert!(spread(age, u64::MAX) <= Duration::from_secs(1100));
        assert!(spread(age, u64::MAX) > Duration::from_secs(1099));
    }

    #[test]
    fn connections_get_different_ages() {
        let lifetime = Lifetime { max_age: Some(Duration::from_secs(1000)), grace: Duration::ZERO };
        let mut jitter = Jitter::default();
        let ages: std::collections::BTreeSet<_> = (0..100).map(|_| jitter.apply(&lifetime).max_age).collect();
        assert!(ages.len() > 50, "{} ages", ages.len());
    }
}
