//! Tells systemd how it goes, where it started us with `Type=notify`: ready, since when, by which rules, and about to end.
//!
//! `systemctl restart` then waits until decisions are made, so replicas can be restarted one after the other by a plain loop.
//! The protocol is one datagram of lines to the socket that `NOTIFY_SOCKET` names (sd_notify(3)); nothing answers.

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;

/// The way to the service manager, if one wants to be told.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceManager {
    way: Option<Arc<(UnixDatagram, SocketAddr)>>,
}

impl ServiceManager {
    /// The one that started this process.
    pub(super) fn of_this_process() -> Self {
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let Some(name) = name else { return Self::default() };
        Self::at(&name).unwrap_or_else(|error| {
            tracing::warn!(%error, "NOTIFY_SOCKET cannot be used: systemd is not told when this process is ready");
            Self::default()
        })
    }

    fn at(name: &OsStr) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold anything up.
        socket.set_nonblocking(true)?;
        Ok(Self { way: Some(Arc::new((socket, address(name)?))) })
    }

    /// Decisions are made, by these rules. Saying so again, after a reload, is how the rules that are shown are renewed.
    pub(super) fn ready(&self, rules: usize, domains: usize) {
        self.tell(&format!("READY=1\nSTATUS=rules in force: {rules}, domains: {domains}"));
    }

    /// What the rule files say is not in force.
    pub(super) fn faulty(&self, kept: &str) {
        self.tell(&format!("STATUS=the rule files have faults; {kept}"));
    }

    /// The process is about to end.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=draining");
    }

    fn tell(&self, text: &str) {
        let Some((socket, address)) = self.way.as_deref() else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::warn!(%error, "systemd could not be told how it goes");
        }
    }
}

/// A path, or with `@` in front a name that is in no file system.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            return SocketAddr::from_abstract_name(name);
        }
    }
    SocketAddr::from_pathname(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn it_is_told_at_a_path_and_under_an_abstract_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notify").into_os_string();
        let hidden = format!("@ratekeeper-test-{}", std::process::id()).into();
        for name in [path, hidden] {
            let socket = UnixDatagram::bind_addr(&address(&name).unwrap()).unwrap();
            let manager = ServiceManager::at(&name).unwrap();
            manager.ready(4, 2);
            assert_eq!(received(&socket), "READY=1\nSTATUS=rules in force: 4, domains: 2");
            manager.stopping();
            assert_eq!(received(&socket), "STOPPING=1\nSTATUS=draining");
        }
    }

    #[test]
    fn nobody_is_held_up_by_one_that_does_not_read() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.as_os_str()).unwrap();
        (0..10_000).for_each(|_| manager.stopping());
    }
}
