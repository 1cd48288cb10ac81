//! One bash for each page, in a copy of what people have in a checkout, with the binary under test first in PATH.
//!
//! What differs from typing it: the ports of the pages are free ones (in commands, in the copied files, and back again in what is
//! printed), Envoy and `redis.timeout` are more patient, and nobody waits for `drain.pause`. What still runs at the end of a page is ended.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::console::{Console, Typed, is_as_printed};
use crate::harness::ports;
use crate::harness::ratekeeper::BINARY;

/// The ports that pages and the files they name may use.
const PORTS: [&str; 13] = [
    "8081", "8080", "9090", "6070", "8181", "8180", "9190", "6170", "10000", "10001", "9901", "6379", "6380",
];

/// What stands before a port that is one.
const BEFORE_PORTS: [&str; 4] = [":", "port_value: ", "--port ", "-p "];

/// What of the checkout pages work with.
const FOLDERS: [&str; 4] = ["config", "deploy", "helm", "scripts"];

/// Where a page's commands run.
pub(crate) struct Shell {
    folder: TempDir,
    ports: Vec<(&'static str, String)>,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let free = PORTS.iter().map(|&port| (port, ports::free().port().to_string()));
        let shell = Self { ports: free.collect(), folder: TempDir::with_prefix("page-").unwrap() };
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in FOLDERS.iter().filter(|folder| project.join(folder).exists()) {
            shell.copy(&project.join(folder), &shell.checkout().join(folder));
        }
        std::fs::copy(project.join("Makefile"), shell.checkout().join("Makefile")).unwrap();
        symlink(project.join(".venv"), shell.checkout().join(".venv")).unwrap();
        shell.write_program();
        std::fs::create_dir(shell.folder.path().join("printed")).unwrap();
        // It would draw one wherever it does not print to a terminal.
        std::fs::write(shell.folder.path().join(".curlrc"), "no-progress-meter\n").unwrap();
        shell
    }

    /// The binary under test, whose `counters` ask the free port in place of the usual one.
    fn write_program(&self) {
        let folder = self.folder.path().join("bin");
        std::fs::create_dir(&folder).unwrap();
        let admin = self.with_free_ports("127.0.0.1:6070");
        let text = format!(
            "#!/usr/bin/env bash\n\
            if [[ $1 == counters && $* != *--admin* ]]; then set -- \"$@\" --admin {admin}; fi\nexec {BINARY} \"$@\"\n"
        );
        let program = folder.join("ratekeeper");
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn checkout(&self) -> PathBuf {
        self.folder.path().join("ratekeeper")
    }

    fn copy(&self, from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let from = entry.unwrap().path();
            let to = to.join(from.file_name().unwrap());
            if from.is_dir() {
                self.copy(&from, &to);
            } else if from.extension().is_some_and(|suffix| suffix == "yaml") {
                let text = std::fs::read_to_string(&from).unwrap().replace("timeout: 0.02s", "timeout: 5s");
                std::fs::write(&to, self.with_free_ports(&text)).unwrap();
            } else {
                std::fs::copy(&from, &to).unwrap();
            }
        }
    }

    fn with_free_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (port, free)| replaced(&text, port, free))
    }

    fn with_our_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (port, free)| replaced(&text, free, port))
    }

    /// Runs all commands; gives what is not as the page says.
    pub(crate) fn run(&self, blocks: &[&Console]) -> Vec<String> {
        let typed = || blocks.iter().flat_map(|block| block.commands.iter().map(move |it| (block.line, it)));
        let mut script = self.beginning();
        for (place, (_, command)) in typed().enumerate() {
            let text = self.with_free_ports(&command.text);
            write!(
                script,
                "{{ {text}\n}} >\"$printed/{place}\" 2>&1\necho $? >\"$printed/{place}.status\"\n"
            )
            .unwrap();
        }
        let path = self.folder.path().join("page.sh");
        std::fs::write(&path, script).unwrap();
        // A group of its own, which is killed where a command never ends.
        let mut bash = Command::new("timeout");
        bash.args(["--kill-after=2", "40", "bash"]).arg(&path).current_dir(self.checkout());
        bash.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // The tests may themselves be run by a make, and one that another calls prints more.
        for inherited in ["MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"] {
            bash.env_remove(inherited);
        }
        bash.status().unwrap();
        let told = typed().enumerate().filter_map(|(place, (line, command))| {
            self.fault(place, command)
                .map(|fault| format!("the block in line {line}: {}\n{fault}", command.text))
        });
        told.collect()
    }

    fn beginning(&self) -> String {
        let folder = self.folder.path().display();
        let listen = ["GRPC", "HTTP", "METRICS", "ADMIN"].iter().zip(["8081", "8080", "9090", "6070"]);
        let listen = listen.map(|(name, port)| {
            format!(
                "export RATEKEEPER_LISTEN__{name}={}\n",
                self.with_free_ports(&format!("127.0.0.1:{port}"))
            )
        });
        format!(
            "printed={folder}/printed\nexport PATH={folder}/bin:$PATH HOME={folder}\n\
            export RATEKEEPER_DRAIN__PAUSE=0s RATEKEEPER_REDIS__TIMEOUT=900ms\n{}\
            trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n",
            listen.collect::<String>(),
        )
    }

    /// What of a command is not as the page says. Where it says what is printed, that decides; else the status.
    fn fault(&self, place: usize, command: &Typed) -> Option<String> {
        let read = |name: String| std::fs::read(self.folder.path().join("printed").join(name));
        let printed = read(place.to_string()).unwrap_or_default();
        let printed = self.with_our_ports(&String::from_utf8_lossy(&printed));
        let Ok(status) = read(format!("{place}.status")) else {
            return Some(format!("did not come to an end, or was never begun; it printed\n{printed}"));
        };
        match &command.printed {
            Some(expected) if is_as_printed(expected, &printed) => None,
            None if status == b"0\n" => None,
            expected => Some(format!(
                "expected: {}\nprinted, with status {}:\n{printed}",
                expected.as_deref().map_or_else(|| "status 0".into(), |text| format!("\n{text}")),
                String::from_utf8_lossy(&status).trim(),
            )),
        }
    }
}

/// The text with one port in place of another wherever it is a port.
fn replaced(text: &str, port: &str, other: &str) -> String {
    BEFORE_PORTS.iter().fold(text.to_owned(), |text, before| {
        let documented = format!("{before}{port}");
        let mut parts = text.split(&documented);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            let port = if part.starts_with(|next: char| next.is_ascii_digit()) { port } else { other };
            text + before + port + part
        })
    })
}
