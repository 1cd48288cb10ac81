//! One thread and one single-threaded runtime per core.
//!
//! What a connection needs stays on its thread: no lock is shared, no task moves. Knows nothing of protocols: a core
//! is a queue of sockets and a function that is called with each.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc as ready;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::drain::OpenConnection;
use super::socket::Detached;
use super::stats::{CoreLoad, CoreShare};

/// Connections that may wait for a core that is busy. With the cap on connections this only matters
/// when a core hangs, and then the others take over.
const QUEUE: usize = 256;

/// Why a server could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system gave no thread or no runtime.
    #[error("cannot start the thread core-{core}")]
    Thread {
        /// Which one.
        core: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The service of a core could not be built.
    #[error("building the service of the thread core-{core} panicked")]
    Service {
        /// Which one.
        core: usize,
    },
}

/// A connection on its way to a core.
pub(crate) struct NewConnection {
    pub(crate) socket: Detached,
    pub(crate) open: OpenConnection,
    pub(crate) share: CoreShare,
}

/// The threads. Dropping it lets them end, with whatever they still serve.
#[derive(Debug)]
pub(crate) struct Cores(Vec<Core>);

#[derive(Debug)]
struct Core {
    queue: mpsc::Sender<NewConnection>,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Cores {
    /// Starts a thread for each load. `make` is called on each with the core's index and load, within its runtime, and
    /// gives the function that takes that core's connections.
    pub(crate) fn start<M, H>(loads: &[Arc<CoreLoad>], make: M) -> Result<Self, StartError>
    where
        M: Fn(usize, Arc<CoreLoad>) -> H + Send + Sync + 'static,
        H: FnMut(NewConnection),
    {
        let make = Arc::new(make);
        let cores = loads.iter().enumerate().map(|(index, load)| {
            let (make, load) = (Arc::clone(&make), Arc::clone(load));
            Core::start(index, move || make(index, load))
        });
        cores.collect::<Result<_, _>>().map(Self)
    }

    /// Gives the connection to a core. Gives it back where the core's queue is full or its thread has ended.
    pub(crate) fn hand_over(&self, core: usize, connection: NewConnection) -> Result<(), NewConnection> {
        self.0[core].queue.try_send(connection).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(connection) | mpsc::error::TrySendError::Closed(connection) => {
                connection
            }
        })
    }

    /// Ends the threads and waits for them. One that hangs is left behind, as it would hold up the end of the process.
    pub(crate) async fn stop(self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let (queues, ends): (Vec<_>, Vec<_>) =
            self.0.into_iter().map(|core| (core.queue, (core.ended, core.thread))).unzip();
        drop(queues);
        for (core, (ended, thread)) in ends.into_iter().enumerate() {
            if timeout_at(deadline, ended).await.is_err() {
                tracing::error!(core, "a thread hangs and is left behind");
            } else if thread.join().is_err() {
                tracing::error!(core, "a thread ended with a panic");
            }
        }
    }
}

impl Core {
    fn start<H>(core: usize, make: impl FnOnce() -> H + Send + 'static) -> Result<Self, StartError>
    where
        H: FnMut(NewConnection),
    {
        let (queue, connections) = mpsc::channel(QUEUE);
        let (ready, started) = ready::sync_channel(1);
        let (alive, ended) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(format!("core-{core}"))
            .spawn(move || {
                // Moved in, so that it is dropped, and its receiver told, when the thread ends in whatever way.
                let _alive: oneshot::Sender<()> = alive;
                run(connections, &ready, make);
            })
            .map_err(|source| StartError::Thread { core, source })?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self { queue, ended, thread }),
            Ok(Err(source)) => Err(StartError::Thread { core, source }),
            Err(ready::RecvError) => Err(StartError::Service { core }),
        }
    }
}

fn run<H: FnMut(NewConnection)>(
    mut connections: mpsc::Receiver<NewConnection>,
    ready: &ready::SyncSender<io::Result<()>>,
    make: impl FnOnce() -> H,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let Some(mut take) = build(&runtime, make) else { return };
    // The receiver waits for this; were it gone, the queue would be closed too and the loop ends at once.
    let _ = ready.send(Ok(()));
    runtime.block_on(async {
        while let Some(connection) = connections.recv().await {
            take(connection);
        }
    });
}

/// Catches a panic of the factory, so that it is an error of the start and not of the process.
fn build<H>(runtime: &Runtime, make: impl FnOnce() -> H) -> Option<H> {
    let _within = runtime.enter();
    std::panic::catch_unwind(AssertUnwindSafe(make)).ok()
}
