//! A child process that logs into a folder and is ended when it is dropped.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

/// How long a program may take until it answers; it may have to read a hundred thousand rules before.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Short, because the time until the first answer is measured.
const START_PAUSE: Duration = Duration::from_millis(1);

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; its output goes to a file in the folder.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join("output.log");
        let output = File::create(&log).context("cannot make a log")?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tries until it answers, which must not take long.
    pub(crate) fn wait(&mut self, answers: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at start ({status}):\n{}", self.name, self.log());
            }
            let Err(error) = answers() else { return Ok(()) };
            if begin.elapsed() > START_PATIENCE {
                bail!("{} does not answer: {error:#}\n{}", self.name, self.log());
            }
            pause(START_PAUSE)?;
        }
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that nobody uses just now; held together, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let held: Vec<_> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// The lints refuse a sleep of the thread anywhere, lest it come into a server's.
pub(crate) fn pause(time: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async { tokio::time::sleep(time).await });
    Ok(())
}
