//! One thread of load: a single-threaded runtime with its share of the connections.
//!
//! A runtime is kept between phases and only runs during one, so that nobody pays for a thread that waits.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection::{Connection, Plan, Run};
use super::phase::Phase;
use super::tally::Tally;
use super::target::ConnectError;

/// How often the watch looks whether answers still come.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// How long requests under way may still take after an interrupt.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(1);

/// A thread's runtime and connections.
#[derive(Debug)]
pub struct Generator {
    runtime: Runtime,
    connections: Vec<Connection>,
}

/// Why a thread could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system gave no runtime.
    #[error("cannot start a runtime")]
    Runtime(#[from] io::Error),
    /// The server gave no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl Generator {
    /// Opens the connections with these numbers, one after the other.
    ///
    /// # Errors
    ///
    /// When the first of them fails.
    pub fn open(plan: &Arc<Plan>, numbers: impl Iterator<Item = u64>) -> Result<Self, OpenError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connections = runtime.block_on(async {
            let mut connections = Vec::new();
            for number in numbers {
                connections.push(Connection::open(Arc::clone(plan), number).await?);
            }
            Ok::<_, ConnectError>(connections)
        })?;
        Ok(Self { runtime, connections })
    }

    /// Runs a phase on all connections and returns when every request has ended, or been given up after
    /// `patience` without any answer; the connections are gone then.
    pub fn run(&mut self, phase: &Arc<Phase>, patience: Duration) -> Tally {
        let run = Run { phase: Arc::clone(phase), tally: Arc::default() };
        let connections = std::mem::take(&mut self.connections);
        self.connections = self.runtime.block_on(async {
            let mut tasks: JoinSet<Connection> =
                connections.into_iter().map(|connection| connection.run(run.clone())).collect();
            tokio::select! {
                connections = join_all(&mut tasks) => connections,
                () = stalled(&run, patience) => {
                    tasks.shutdown().await;
                    Vec::new()
                }
            }
        });
        let mut tally = run.tally.lock().clone();
        tally.give_up();
        if phase.interrupted() {
            tally.cancel_unsent();
        }
        tally
    }
}

async fn join_all(tasks: &mut JoinSet<Connection>) -> Vec<Connection> {
    let mut connections = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        connections.extend(joined);
    }
    connections
}

/// Ends when nothing has been answered for `patience`. Also turns Ctrl-C into the end of the phase, because
/// it is the one task that is always there.
async fn stalled(run: &Run, patience: Duration) {
    let mut interrupt = std::pin::pin!(interrupted());
    let mut ticks = tokio::time::interval(WATCH_INTERVAL);
    let (mut ended, mut since) = (0, Instant::now());
    loop {
        tokio::select! {
            () = &mut interrupt, if !run.phase.interrupted() => {
                run.phase.interrupt();
                since = Instant::now();
            }
            _ = ticks.tick() => {}
        }
        let ended_now = run.tally.lock().ended();
        if ended_now != ended {
            (ended, since) = (ended_now, Instant::now());
        }
        let patience = if run.phase.interrupted() { patience.min(INTERRUPT_PATIENCE) } else { patience };
        if since.elapsed() >= patience {
            return;
        }
    }
}

/// Ends at Ctrl-C; never where the system does not tell.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
