//! Signals, and the tasks that live as long as the process serves.

use std::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// The signals that the process acts on.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Starts listening; must be called within a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT; calls `hung_up` for every SIGHUP before.
    pub(super) async fn until_told_to_end(&mut self, hung_up: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => hung_up(),
            }
        }
    }
}

/// Tasks by name, ended together.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: Vec<(&'static str, JoinHandle<()>)>,
}

impl Tasks {
    /// Starts a task that runs until the process ends.
    pub(super) fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.running.push((name, tokio::spawn(task)));
    }

    /// Ends all tasks; one that ended before by a panic is reported.
    pub(super) async fn end(self) {
        for (name, task) in self.running {
            task.abort();
            match task.await {
                Err(error) if error.is_panic() => tracing::error!(task = name, %error, "a task panicked"),
                _ => tracing::debug!(task = name, "ended"),
            }
        }
    }
}
