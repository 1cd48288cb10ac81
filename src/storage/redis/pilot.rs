//! The task behind a link: it keeps one connection and flies what waits.
//!
//! ```text
//! connecting ── handshake done ──→ flying ── connection lost, or of no more use ──→ pausing ──→ connecting
//! ```
//!
//! The pause is none where the connection had been of use, so that one that was closed costs nobody anything. Whatever
//! the state, every deadline is kept. Nothing that may have counted is sent again.

mod flying;
mod telling;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::storage::redis::backoff::Backoff;
use crate::storage::redis::call::Packer;
use crate::storage::redis::errand::Expiry;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::names::Names;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::observer::Observer;
use crate::storage::redis::queue::{Event, Queue};
use crate::storage::redis::shard_time::ShardTime;
use crate::storage::trace::Tracer;

/// How a link behaves.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// What every key of ours begins with.
    pub key_prefix: Arc<str>,
    /// The time for a connection and its handshake. A connection that leaves a flight unanswered for as long is given
    /// up: nobody would learn otherwise that the other side is gone.
    pub connect_timeout: Duration,
    /// The pause after the second failed attempt to connect; each next one is twice as long.
    pub backoff: Duration,
    /// The longest pause between attempts to connect.
    pub max_backoff: Duration,
    /// How often the server's clock is read.
    pub time_interval: Duration,
    /// An answer that has not come after so long is the server's failure. Whose deadline was shorter has nobody to blame.
    pub patience: Duration,
    /// How often the server's name is looked up while a connection lasts.
    pub name_interval: Duration,
    /// Where names are looked up.
    pub names: Names,
    /// Records the flights of recorded requests.
    pub tracer: Tracer,
}

/// The task's state.
pub(super) struct Pilot {
    pub(super) address: NodeAddress,
    pub(super) settings: LinkSettings,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) queue: Queue,
    pub(super) packer: Packer,
    /// The server's clock as it was read when the last connection was made.
    pub(super) time: Option<ShardTime>,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            key_prefix: "rk:".into(),
            connect_timeout: Duration::from_secs(1),
            backoff: Duration::from_millis(20),
            max_backoff: Duration::from_millis(500),
            time_interval: Duration::from_secs(1),
            patience: Duration::ZERO,
            name_interval: Duration::from_secs(5),
            names: Names::default(),
            tracer: Tracer::default(),
        }
    }
}

impl Pilot {
    /// Flies until nobody holds the link any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(self.settings.backoff, self.settings.max_backoff);
        while self.connect_and_fly(&mut backoff).await.is_some() {}
    }

    /// One connection's life. `None` where nobody holds the link any more.
    async fn connect_and_fly(&mut self, backoff: &mut Backoff) -> Option<()> {
        let pause = backoff.next();
        if !pause.is_zero() {
            self.meanwhile(sleep(pause)).await?;
        }
        let (address, limit) = (self.address.clone(), self.settings.connect_timeout);
        let names = self.settings.names.clone();
        match self.meanwhile(async move { address.connect(&names, limit).await }).await? {
            Ok((connection, time)) => {
                self.observer.connected();
                self.observer.time_read(time);
                self.time = Some(time);
                let flown = self.fly(connection).await?;
                if flown.was_of_use {
                    backoff.reset();
                }
                self.observer.disconnected(&flown.end);
            }
            Err(failure) => self.observer.disconnected(&failure),
        }
        Some(())
    }

    /// Keeps the deadlines of what waits while something else goes on. `None` where nobody holds the link any more.
    async fn meanwhile<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let event = tokio::select! {
                biased;
                done = &mut work => return Some(done),
                event = self.queue.event() => event,
            };
            match event {
                Event::Filled => {}
                Event::Closed => return None,
                Event::Deadline => {
                    let mut expiry = self.expiry();
                    self.queue.expire(&mut expiry);
                    self.finish(&expiry);
                }
            }
        }
    }

    /// Goes through deadlines now.
    fn expiry(&self) -> Expiry {
        Expiry::at(Instant::now(), self.settings.patience)
    }

    /// Reports who was told that time is over, and sets the alarm for the next.
    fn finish(&mut self, expiry: &Expiry) {
        if expiry.told > 0 {
            self.observer.failed(&Failure::Timeout, expiry.told);
        }
        if let Some(next) = expiry.next {
            self.queue.ring_by(next);
        }
    }
}
