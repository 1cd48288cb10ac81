//! A folder in place of a machine: the page's own commands lay its files out, then the unit's commands run as systemd runs them.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::unit::Unit;
use crate::docs::console;
use crate::docs::markdown::pages;
use crate::harness::process::Process;
use crate::harness::ratekeeper::BINARY;
use crate::harness::wait;

/// Folders of a machine that are below the test's own folder instead.
const FOLDERS: [&str; 4] = ["/etc/", "/run/", "/usr/local/", "/var/"];

/// Where drop-ins of the unit are.
const DROP_INS: &str = "/etc/systemd/system/ratekeeper.service.d";

pub(super) struct Machine {
    root: TempDir,
    notified: UnixDatagram,
    /// What systemd says at present in `status`.
    pub(super) told: Vec<String>,
}

impl Machine {
    /// One on which every `install` line of the page was typed.
    pub(super) fn installed() -> Self {
        let root = TempDir::with_prefix("machine-").unwrap();
        for folder in ["usr/local/bin", "etc/systemd/system", "etc/sysusers.d", "run"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let notified = UnixDatagram::bind(root.path().join("run/notify")).unwrap();
        notified.set_nonblocking(true).unwrap();
        let machine = Self { root, notified, told: Vec::new() };
        let page = pages().into_iter().find(|page| page.name == "docs/install-systemd.md").unwrap();
        let typed = console::blocks(&page).into_iter().flat_map(|block| block.commands);
        let mut count = 0;
        for command in typed.filter(|command| command.text.starts_with("install ")) {
            count += 1;
            let text = machine.here(&command.text).replace("target/release/ratekeeper", BINARY);
            let mut bash = Command::new("bash");
            let status = bash.args(["-c", &text]).current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
            assert!(status.success(), "{text}");
        }
        assert!(count > 5, "only {count} lines install something");
        machine
    }

    /// The text with this machine's folders.
    pub(super) fn here(&self, text: &str) -> String {
        let root = self.root.path().to_str().unwrap();
        let words = text.split_inclusive([' ', '=', ':', '[', ']', ',']);
        words
            .map(|word| {
                if FOLDERS.iter().any(|folder| word.starts_with(folder)) {
                    format!("{root}{word}")
                } else {
                    word.into()
                }
            })
            .collect()
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn unit(&self) -> Unit {
        Unit::read(&self.path("/etc/systemd/system/ratekeeper.service"))
    }

    /// The drop-ins in the order in which systemd reads them, which is that of their names.
    fn drop_ins(&self) -> Vec<Unit> {
        let folder = std::fs::read_dir(self.path(DROP_INS)).unwrap();
        let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|suffix| suffix == "conf"));
        paths.sort();
        paths.iter().map(|path| Unit::read(path)).collect()
    }

    /// Writes what `systemctl edit` would, where it does.
    pub(super) fn edit(&self, line: &str) {
        std::fs::write(self.path(DROP_INS).join("override.conf"), format!("[Service]\n{line}\n")).unwrap();
    }

    /// What is in a file, with this machine's folders in it from now on.
    pub(super) fn settle(&self, path: &str) {
        let path = self.path(path);
        let text = self.here(&std::fs::read_to_string(&path).unwrap());
        std::fs::write(path, text).unwrap();
    }

    /// The folders that systemd makes, and the credentials: copies that nobody else can read, and nobody can write.
    pub(super) fn make_folders(&self) {
        for (key, parent) in [("RuntimeDirectory", "/run"), ("LogsDirectory", "/var/log")] {
            std::fs::create_dir_all(self.path(parent).join(self.unit().one(key))).unwrap();
        }
        let credentials = self.path("/run/credentials/ratekeeper.service");
        std::fs::create_dir_all(&credentials).unwrap();
        for drop_in in self.drop_ins() {
            for credential in drop_in.all("LoadCredential") {
                let (name, path) = credential.split_once(':').unwrap();
                std::fs::copy(self.path(path), credentials.join(name)).unwrap();
                set_mode(&credentials.join(name), 0o400);
            }
        }
        set_mode(&credentials, 0o500);
    }

    /// One of the unit's commands, with the variables that the drop-ins set, and no others; the last one counts.
    pub(super) fn command(&self, key: &str) -> Command {
        let line = self.here(self.unit().one(key));
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).env_clear().env("NOTIFY_SOCKET", self.path("/run/notify"));
        for drop_in in self.drop_ins() {
            for variable in drop_in.all("Environment") {
                let (name, value) = variable.split_once('=').unwrap();
                command.env(name, self.here(value));
            }
        }
        command
    }

    pub(super) fn start(&self, command: Command) -> Process {
        Process::start("ratekeeper", command, self.root.path())
    }

    /// Waits until the service manager has been told something that has this text.
    pub(super) async fn is_told(&mut self, text: &str) {
        let end = tokio::time::Instant::now() + wait::PATIENCE;
        while !self.told.iter().any(|told| told.contains(text)) {
            assert!(tokio::time::Instant::now() < end, "waited in vain for `{text}`; told: {:?}", self.told);
            let mut bytes = [0; 512];
            match self.notified.recv(&mut bytes) {
                Ok(length) => self.told.push(String::from_utf8_lossy(&bytes[..length]).into_owned()),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        }
    }

    /// Runs `ExecReload` for this process.
    pub(super) fn reload(&self, pid: u32) {
        let line = self.unit().one("ExecReload").replace("$MAINPID", &pid.to_string());
        let mut words = line.split_whitespace();
        assert!(Command::new(words.next().unwrap()).args(words).status().unwrap().success());
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The signal with which systemd asks for the end.
pub(super) const STOP: Signal = Signal::TERM;
