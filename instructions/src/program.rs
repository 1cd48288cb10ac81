//! Programs that are started for a measurement, and folders that are gone after it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// How long a program may take to listen, or to end. Under valgrind everything takes fifty times as long.
const MOST_PAUSES: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);

/// A folder of this process's own.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, turn) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("ratekeeper-instructions-{process}-{turn}-{name}"));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind is no reason to fail.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running program, ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Program(Child);

impl Program {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(mut command: Command, ready: impl Fn() -> bool) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let mut program = Self(child);
        program.wait(|program| {
            if let Some(status) = program.0.try_wait()? {
                bail!("{:?} ended at its start ({status})", command.get_program());
            }
            Ok(ready())
        })?;
        Ok(program)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self, signal: &str) -> anyhow::Result<()> {
        let told = Command::new("kill").args([format!("-{signal}"), self.0.id().to_string()]).status();
        ensure!(told.context("cannot run kill")?.success(), "the server could not be told to end");
        self.wait(|program| Ok(program.0.try_wait()?.is_some()))
    }

    fn wait(&mut self, until: impl Fn(&mut Self) -> anyhow::Result<bool>) -> anyhow::Result<()> {
        for _ in 0..MOST_PAUSES {
            if until(self)? {
                return Ok(());
            }
            std::thread::park_timeout(PAUSE);
        }
        bail!("waited in vain, {MOST_PAUSES} times {PAUSE:?}")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Addresses that nobody uses just now; held together, so that they differ.
pub(crate) fn free_addresses<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let held: Vec<TcpListener> = (0..N).map(|_| TcpListener::bind(any)).collect::<Result<_, _>>()?;
    let mut addresses = [any; N];
    for (address, listener) in addresses.iter_mut().zip(&held) {
        *address = listener.local_addr()?;
    }
    Ok(addresses)
}
