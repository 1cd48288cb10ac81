//! A running server: a child process with a temporary folder, ended when it is dropped.

use std::fs::File;
use std::net::TcpListener;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use ratekeeper::cli::bench::target::Target;
use ratekeeper::cli::bench::{Load, measure};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::contender::{self, Contender};

const START_ATTEMPTS: u32 = 200;
const START_PAUSE: Duration = Duration::from_millis(50);

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    contender: Contender,
    child: Child,
    target: Target,
    folder: TempDir,
}

impl Server {
    /// Starts it on free ports and waits until it decides.
    pub(crate) fn start(contender: Contender) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("ratekeeper-bench-").context("cannot make a temporary folder")?;
        let ports = free_ports()?;
        let log = File::create(log_path(folder.path())).context("cannot make the server's log")?;
        let mut command = contender.command(folder.path(), ports)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let target = Target::Tcp { host: "127.0.0.1".to_owned(), port: ports[0] };
        let mut server = Self { contender, child, target, folder };
        server.wait()?;
        Ok(server)
    }

    pub(crate) fn contender(&self) -> Contender {
        self.contender
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let mut last = None;
        for _ in 0..START_ATTEMPTS {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at start ({status}):\n{}", self.contender, self.log());
            }
            match measure(&probe(&self.target), None) {
                Ok(report) if report.decisions == 1 => return Ok(()),
                Ok(report) => last = Some(report.to_string()),
                Err(error) => last = Some(error.to_string()),
            }
            runtime.block_on(async { tokio::time::sleep(START_PAUSE).await });
        }
        bail!("{} does not answer: {}\n{}", self.contender, last.unwrap_or_default(), self.log())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(log_path(self.folder.path())).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A single request.
fn probe(target: &Target) -> Load {
    Load {
        target: target.clone(),
        connections: NonZeroUsize::MIN,
        streams: NonZeroUsize::MIN,
        threads: None,
        duration: Duration::ZERO,
        requests: Some(NonZeroU64::MIN),
        warmup: Duration::ZERO,
        timeout: Duration::from_secs(1),
        keys: NonZeroU64::MIN,
        domain: contender::DOMAIN.to_owned(),
        entry_key: contender::ENTRY_KEY.to_owned(),
        descriptors: NonZeroUsize::MIN,
    }
}

fn log_path(folder: &Path) -> std::path::PathBuf {
    folder.join("server.log")
}

/// Ports that nobody uses just now; held together, so that they differ.
fn free_ports() -> anyhow::Result<[u16; 4]> {
    let bind = || TcpListener::bind("127.0.0.1:0").context("no free port");
    let held = [bind()?, bind()?, bind()?, bind()?];
    let mut ports = [0; 4];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
