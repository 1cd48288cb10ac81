//! Sends figures by StatsD or DogStatsD over UDP: at each flush the differences of counters, the gauges, and the timers.
//!
//! What there is to send is asked of a [`Source`]; this file owns when and where to. Nobody waits for it and nothing stops for
//! it: what cannot be sent is counted. Counts are not lost while the receiver's name has no address: they go out once it has.
//!
//! There are libraries for StatsD. They send a datagram for each event or keep lines for a while; here events are added up
//! already, so that what is left to do is a line of text for each figure.

mod figures;
mod lines;
pub mod metrics;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};

use lines::Differences;

pub use figures::{Figures, Series, Timer};
pub use lines::{Format, Lines};

/// A name that takes longer to resolve is taken for one without an address.
const RESOLVE: Duration = Duration::from_secs(2);

/// Where to, how, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdSettings {
    /// A name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The form of lines, and the tags that each carries.
    pub lines: Lines,
    /// The time between two flushes.
    pub flush_interval: Duration,
}

/// Where figures come from; nothing where they cannot be read now.
pub type Source = Box<dyn Fn() -> Option<Figures> + Send + Sync>;

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// It was given to the network.
    Sent,
    /// The receiver's machine says that nobody listens there.
    Refused,
    /// The network does not take it.
    Failed,
    /// The receiver's name has no address; everything stays for the next flush.
    Unresolved,
}

impl Sending {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sent, Self::Refused, Self::Failed, Self::Unresolved];

    /// The word for it in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unresolved => "unresolved",
        }
    }
}

/// How many datagrams there were of each kind.
#[derive(Debug, Default)]
pub struct Sendings([AtomicU64; Sending::ALL.len()]);

impl Sendings {
    /// How many there were.
    #[must_use]
    pub fn get(&self, sending: Sending) -> u64 {
        self.0[sending as usize].load(Ordering::Relaxed)
    }

    fn count(&self, sending: Sending) {
        self.0[sending as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends one process's figures.
pub struct Statsd {
    settings: StatsdSettings,
    source: Source,
    sendings: Arc<Sendings>,
    is_troubled: AtomicBool,
    state: Mutex<State>,
}

/// What was sent, and what is still to be: a flush that is cut short is completed by the next one.
#[derive(Default)]
struct State {
    differences: Differences,
    pending: VecDeque<Vec<u8>>,
}

impl Statsd {
    /// Sends what `source` tells.
    #[must_use]
    pub fn new(settings: StatsdSettings, source: Source, sendings: Arc<Sendings>) -> Self {
        Self { settings, source, sendings, is_troubled: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Flushes for ever.
    pub async fn run(&self) {
        let mut ticks = interval(self.settings.flush_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, when there is nothing to send.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.flush().await;
        }
    }

    /// Sends what there is to send now.
    pub async fn flush(&self) {
        let mut state = self.state.lock().await;
        let Some(address) = self.address().await else {
            self.sendings.count(Sending::Unresolved);
            return self.tell(Err(&io::Error::other("the name has no address")));
        };
        // Figures are asked for when there is a way for them, so that what waits for one does not grow.
        let socket = match connected(address).await {
            Ok(socket) => socket,
            Err(error) => {
                self.sendings.count(Sending::Failed);
                return self.tell(Err(&error));
            }
        };
        let State { differences, pending } = &mut *state;
        if let Some(figures) = (self.source)() {
            pending.extend(differences.datagrams(&figures, &self.settings.lines));
        }
        let sent = self.send(&socket, pending).await;
        self.tell(sent.as_ref().copied());
    }

    /// The last trouble, if there was any; a datagram that the network does not take is gone.
    async fn send(&self, socket: &UdpSocket, pending: &mut VecDeque<Vec<u8>>) -> io::Result<()> {
        let mut outcome = Ok(());
        while let Some(datagram) = pending.front() {
            let sent = self.send_one(socket, datagram).await;
            pending.pop_front();
            outcome = outcome.and(sent);
        }
        outcome
    }

    /// A refusal is told at the datagram after the one that it is about, which is not sent then.
    async fn send_one(&self, socket: &UdpSocket, datagram: &[u8]) -> io::Result<()> {
        let mut sent = socket.send(datagram).await;
        if matches!(&sent, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused) {
            self.sendings.count(Sending::Refused);
            let refused = sent;
            sent = socket.send(datagram).await;
            self.count(&sent);
            return refused.map(drop);
        }
        self.count(&sent);
        sent.map(drop)
    }

    fn count(&self, sent: &io::Result<usize>) {
        self.sendings.count(if sent.is_ok() { Sending::Sent } else { Sending::Failed });
    }

    async fn address(&self) -> Option<SocketAddr> {
        let found = timeout(RESOLVE, lookup_host((self.settings.host.as_str(), self.settings.port))).await;
        found.ok()?.ok()?.next()
    }

    /// A line in the log where it begins to fail, and where it goes on.
    fn tell(&self, sent: Result<(), &io::Error>) {
        let StatsdSettings { host, port, .. } = &self.settings;
        match (sent, self.is_troubled.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(host, port, %error, "figures do not reach the StatsD receiver");
            }
            (Ok(()), true) => tracing::info!(host, port, "figures are sent to the StatsD receiver again"),
            _ => {}
        }
    }
}

/// A socket of its own for each flush: the address may be another one than the last time.
async fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(address).await?;
    Ok(socket)
}
