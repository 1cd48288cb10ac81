//! A child process with its log, that ends with its owner.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::wait;

/// A running program. Dropping it kills and reaps it, and prints its log if the test is failing.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with everything that it prints going to `<folder>/<name>.log`.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let err = out.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// All that it printed so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How it ended, or nothing while it runs.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> impl Future<Output = ExitStatus> {
        let what = format!("the end of {}", self.name);
        let caller = std::panic::Location::caller();
        async move {
            let end = tokio::time::Instant::now() + wait::PATIENCE;
            loop {
                if let Some(status) = self.exited() {
                    return status;
                }
                assert!(tokio::time::Instant::now() < end, "waited in vain for {what} ({caller})");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            // A second panic would hide the first.
            let log = std::fs::read(&self.log).unwrap_or_default();
            eprintln!("---- log of {} ----\n{}---- end ----", self.name, String::from_utf8_lossy(&log));
        }
    }
}
