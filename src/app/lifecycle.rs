//! Signals, and the tasks that live as long as the process serves.

use std::collections::HashMap;
use std::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{self, JoinSet};

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

/// Tasks that run as long as the process serves, by name.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    names: HashMap<task::Id, &'static str>,
}

impl Tasks {
    /// Starts a task that runs until the process ends.
    pub(super) fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits until a task ends, which none should, and gives its name; for ever where none does.
    pub(super) async fn until_one_ends(&mut self) -> &'static str {
        let (id, error) = match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, None),
            Some(Err(error)) => (error.id(), Some(error)),
            None => std::future::pending().await,
        };
        let name = self.names.remove(&id).unwrap_or("unnamed");
        tracing::error!(task = name, error = ?error, "a task ended that should run for ever; restart this process");
        name
    }

    /// Ends all tasks.
    pub(super) async fn end(mut self) {
        self.running.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_named_and_the_others_go_on() {
        let mut tasks = Tasks::default();
        tasks.start("steady", std::future::pending());
        tasks.start("broken", async { panic!("as the test wants it") });
        assert_eq!(tasks.until_one_ends().await, "broken");
        assert_eq!(tasks.running.len(), 1);
        tasks.end().await;
    }
}
