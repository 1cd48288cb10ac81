//! The accept loop: goes on whatever a single accept says, and ends when the drain begins.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::drain::{OpenConnection, OpenConnections, PhaseWatch};
use super::listen::Listener;
use super::socket::{Detached, Socket};
use super::stats::ConnectionStats;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long to pause after failures to accept: longer with each of a burst.
#[derive(Debug, Default)]
struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let pause = self.last.map_or(FIRST_PAUSE, |last| LONGEST_PAUSE.min(last * 2));
        self.last = Some(pause);
        pause
    }

    /// Whether this ended a burst.
    fn reset(&mut self) -> bool {
        self.last.take().is_some()
    }
}

/// Keeps the cap on connections.
struct Admission<'a> {
    open: &'a Arc<OpenConnections>,
    stats: &'a ConnectionStats,
    full: bool,
}

impl Admission<'_> {
    /// Counts the connection as open, or as refused: it is closed at once, as making it wait would help nobody.
    fn admit(&mut self) -> Option<OpenConnection> {
        let admitted = self.open.try_open();
        match &admitted {
            Some(_) => self.stats.accepted.increment(),
            None => self.stats.refused.increment(),
        }
        // Logged when it begins, not for each.
        if admitted.is_none() && !self.full {
            tracing::warn!(open = self.open.count(), "connections are refused: max_connections are open");
        }
        self.full = admitted.is_none();
        admitted
    }
}

/// Hands each connection to `take` until the drain begins, then those that the system had completed by then.
pub(crate) async fn run(
    listener: Listener,
    open: &Arc<OpenConnections>,
    stats: &ConnectionStats,
    mut phase: PhaseWatch,
    mut take: impl FnMut(Detached, OpenConnection),
) {
    let mut backoff = Backoff::default();
    let mut admission = Admission { open, stats, full: false };
    let mut take = |socket| {
        if let Some(open) = admission.admit() {
            take(socket, open);
        }
    };
    loop {
        tokio::select! {
            biased;
            () = phase.draining() => break,
            socket = next(|| listener.accept(), stats, &mut backoff) => take(socket),
        }
    }
    match listener.close() {
        Ok(sockets) => sockets.into_iter().for_each(take),
        Err(error) => tracing::warn!(%error, "closing a listener failed"),
    }
}

/// The next connection, however many failures there are before it.
async fn next<F>(accept: impl Fn() -> F, stats: &ConnectionStats, backoff: &mut Backoff) -> Detached
where
    F: Future<Output = io::Result<Socket>>,
{
    loop {
        match accept().await.and_then(Socket::detach) {
            Ok(socket) => {
                if backoff.reset() {
                    tracing::info!("accepting connections again");
                }
                return socket;
            }
            Err(error) if concerns_the_peer_only(&error) => {}
            Err(error) => pause(&error, stats, backoff).await,
        }
    }
}

async fn pause(error: &io::Error, stats: &ConnectionStats, backoff: &mut Backoff) {
    stats.accept_failures.increment();
    if backoff.last.is_none() {
        tracing::error!(%error, "cannot accept connections; trying again (is the limit of open files too low?)");
    }
    // What is short, such as file descriptors, only comes back when something else ends.
    tokio::time::sleep(backoff.next()).await;
}

/// A peer that was gone before we came to accept it says nothing about the next one.
fn concerns_the_peer_only(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_pause_and_do_not_end_the_loop() {
        let stats = ConnectionStats::default();
        let mut backoff = Backoff::default();
        let tries = Cell::new(0);
        let accept = || {
            tries.set(tries.get() + 1);
            let tries = tries.get();
            async move {
                match tries {
                    1 => Err(io::ErrorKind::ConnectionAborted.into()),
                    2..=12 => Err(io::Error::from_raw_os_error(24)),
                    _ => {
                        let (ours, _) = UnixStream::pair()?;
                        ours.set_nonblocking(true)?;
                        tokio::net::UnixStream::from_std(ours).map(Socket::from)
                    }
                }
            }
        };
        let start = tokio::time::Instant::now();
        next(accept, &stats, &mut backoff).await;
        assert_eq!((tries.get(), stats.accept_failures.get()), (13, 11));
        // 5 + 10 + … + 640 ms, then a second each.
        assert_eq!(start.elapsed(), Duration::from_millis(5 * 255 + 3 * 1000));
        assert_eq!(backoff.next(), FIRST_PAUSE, "a success ends the burst");
    }
}
