//! A Redis of a test's own: on a free port, with nothing on disk, gone with the test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Client, Connection, FromRedisValue};
use tempfile::TempDir;

use super::NOW;
use crate::decision::fixed_window::Window;
use crate::decision::key::CounterKey;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::packed::Packed;

/// Somebody else may take the port between our finding it and the server's binding it.
const ATTEMPTS: usize = 5;

/// Names another server program than the one in PATH.
const PROGRAM: &str = "RATEKEEPER_TEST_REDIS_SERVER";

const HELP: &str = "these tests need a Redis: install Debian's package `redis-server`, put 6.2 or later into PATH, or name a \
                    program in RATEKEEPER_TEST_REDIS_SERVER";

pub(crate) struct Server {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further arguments of `redis-server`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        (0..ATTEMPTS).find_map(|_| Self::try_start(arguments)).expect("redis-server does not start")
    }

    fn try_start(arguments: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::var_os(PROGRAM).unwrap_or("redis-server".into());
        let process = Command::new(&program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder.path())
            .arg("--unixsocket")
            .arg(folder.path().join("redis.sock"))
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}\n{HELP}", program.display()));
        let mut server = Self { process, port, folder };
        server.is_up().then_some(server)
    }

    fn is_up(&mut self) -> bool {
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return matches!(self.process.try_wait(), Ok(None));
            }
            pause();
        }
        false
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}", self.folder.path().join("redis.sock").display())
    }

    pub(crate) fn address(&self) -> NodeAddress {
        self.url().parse().unwrap()
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// A connection of the test's own, outside any link.
    pub(crate) fn console(&self) -> Console {
        Console(Client::open(self.url()).unwrap().get_connection().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a person at `redis-cli` could do.
pub(crate) struct Console(Connection);

impl Console {
    #[track_caller]
    pub(crate) fn ask<T: FromRedisValue>(&mut self, line: &str) -> T {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(word);
        }
        command.query(&mut self.0).unwrap()
    }

    /// A counter as people would write it: the start of its window, the count, and its settlements.
    #[track_caller]
    pub(crate) fn counter(&mut self, key: &str) -> String {
        let value: String = self.ask(&format!("GET {key}"));
        let period = CounterKey::from_stored(&key.as_bytes()["rk:".len()..]).unwrap().period().unwrap();
        let Window { start, count } = Packed::read(value.as_bytes()).unwrap().window(period, NOW);
        let settlements = value.find(' ').map_or("", |at| &value[at..]);
        format!("{start} {count}{settlements}")
    }

    /// Keys that would live for ever.
    pub(crate) fn keys_without_expiry(&mut self) -> Vec<String> {
        let keys: Vec<String> = self.ask("KEYS *");
        keys.into_iter()
            .filter(|key| redis::cmd("PTTL").arg(key).query::<i64>(&mut self.0).unwrap() == -1)
            .collect()
    }

    /// A figure of INFO's, such as `calls` of `cmdstat_evalsha`, or a plain one where `part` is empty.
    pub(crate) fn info(&mut self, section: &str, name: &str, part: &str) -> f64 {
        let text: String = self.ask(&format!("INFO {section}"));
        let Some(line) = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')) else {
            return 0.0;
        };
        let figure = if part.is_empty() {
            line
        } else {
            line.split(',').find_map(|field| field.strip_prefix(part)?.strip_prefix('=')).unwrap()
        };
        figure.parse().unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for another process, outside any runtime")]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
