//! The Redis that a server counts in: real servers of its own, or one that runs already, and what they say that they did.

use std::iter::Sum;
use std::ops::Sub;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use parking_lot::Mutex;
use redis::Client;
use tempfile::TempDir;

use crate::program::{Program, free_ports};

/// Long, because a machine may be busy with other things; nothing that is measured waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// One server, the masters of a Cluster, or the servers of a ring.
#[derive(Debug)]
pub(crate) struct Redis {
    topology: &'static str,
    nodes: Vec<Node>,
}

/// What Redis has done, all nodes together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Work {
    /// User and system time of all its threads, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Commands, those that scripts called included.
    pub(crate) commands: u64,
    /// Script calls.
    pub(crate) calls: u64,
}

#[derive(Debug)]
struct Node {
    port: u16,
    own: Option<Own>,
}

/// A server that we started.
#[derive(Debug)]
struct Own {
    bus_port: u16,
    options: &'static [&'static str],
    folder: TempDir,
    /// None while it is killed.
    program: Mutex<Option<Program>>,
}

impl Redis {
    /// Starts one server.
    pub(crate) fn single() -> anyhow::Result<Self> {
        Ok(Self { topology: "single", nodes: vec![Node::start(&[])?] })
    }

    /// Starts so many servers that know nothing of each other.
    pub(crate) fn ring(servers: usize) -> anyhow::Result<Self> {
        let nodes = (0..servers).map(|_| Node::start(&[]));
        Ok(Self { topology: "ring", nodes: nodes.collect::<Result<_, _>>()? })
    }

    /// Starts a Cluster of so many masters, among which the slots are spread evenly.
    pub(crate) fn cluster(masters: usize) -> anyhow::Result<Self> {
        let nodes = (0..masters).map(|_| Node::start(&["--cluster-enabled", "yes"]));
        let cluster = Self { topology: "cluster", nodes: nodes.collect::<Result<_, _>>()? };
        let mut tool = Command::new("redis-cli");
        tool.args(["--cluster", "create", "--cluster-yes"]);
        tool.args(cluster.nodes.iter().filter_map(Node::cluster_address));
        let made = tool.output().context("cannot run redis-cli")?;
        ensure!(made.status.success(), "no Cluster: {}", String::from_utf8_lossy(&made.stdout));
        Ok(cluster)
    }

    /// One that runs already on this port of this machine, and is left running.
    pub(crate) fn running(port: u16) -> Self {
        Self { topology: "single", nodes: vec![Node { port, own: None }] }
    }

    /// What a ratekeeper needs to know of it, and how long it may wait for it.
    pub(crate) fn settings(&self, timeout: &str) -> String {
        let urls: Vec<String> = self.nodes.iter().map(Node::url).collect();
        format!("store: redis\nredis: {{topology: {}, urls: {urls:?}, timeout: {timeout}}}\n", self.topology)
    }

    /// Kills all servers that we started.
    pub(crate) fn kill(&self) {
        self.nodes
            .iter()
            .filter_map(|node| node.own.as_ref())
            .for_each(|own| drop(own.program.lock().take()));
    }

    /// Starts them again, empty, on the same ports.
    pub(crate) fn restart(&self) -> anyhow::Result<()> {
        self.nodes.iter().try_for_each(|node| node.own.iter().try_for_each(|own| own.launch(node.port)))
    }

    /// The bytes of a key with what is under it, by the server's own word: the mean of some.
    pub(crate) fn bytes_a_key(&self) -> anyhow::Result<f64> {
        let node = self.nodes.first().context("there is no server")?;
        let (mut sum, mut keys) = (0.0, 0.0);
        for _ in 0..200 {
            let key: Vec<u8> = ask(&node.url(), &redis::cmd("RANDOMKEY"))?;
            // Replicas announce themselves under one that is no counter's.
            if key.windows(2).any(|two| two == b"1|") {
                sum += ask::<f64>(&node.url(), redis::cmd("MEMORY").arg("USAGE").arg(&key))?;
                keys += 1.0;
            }
        }
        Ok(sum / keys)
    }

    /// What it has done since it was started.
    pub(crate) fn work(&self) -> anyhow::Result<Work> {
        self.nodes.iter().map(Node::work).sum()
    }
}

impl Own {
    fn launch(&self, port: u16) -> anyhow::Result<()> {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--cluster-port", &self.bus_port.to_string()]);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(self.options).arg("--dir").arg(self.folder.path());
        let mut program = Program::start("redis-server", command, self.folder.path())?;
        let url = url(port);
        program.wait(|| ask(&url, &redis::cmd("PING")).map(|_: String| ()))?;
        *self.program.lock() = Some(program);
        Ok(())
    }
}

impl Node {
    fn start(options: &'static [&'static str]) -> anyhow::Result<Self> {
        let folder =
            TempDir::with_prefix("ratekeeper-bench-redis-").context("cannot make a temporary folder")?;
        let [port, bus_port] = free_ports()?;
        let own = Own { bus_port, options, folder, program: Mutex::new(None) };
        own.launch(port)?;
        Ok(Self { port, own: Some(own) })
    }

    fn url(&self) -> String {
        url(self.port)
    }

    fn cluster_address(&self) -> Option<String> {
        Some(format!("127.0.0.1:{}@{}", self.port, self.own.as_ref()?.bus_port))
    }

    fn work(&self) -> anyhow::Result<Work> {
        let info = |section| ask::<String>(&self.url(), redis::cmd("INFO").arg(section));
        let (cpu, commands) = (info("cpu")?, info("commandstats")?);
        let cpu_seconds = cpu.lines().filter_map(cpu_seconds).sum();
        let count = |wanted: fn(&str) -> bool| {
            let calls = commands.lines().filter_map(calls);
            calls.filter(|(command, _)| wanted(command)).map(|(_, calls)| calls).sum()
        };
        let is_script = |command: &str| matches!(command, "eval" | "evalsha");
        Ok(Work { cpu_seconds, commands: count(|_| true), calls: count(is_script) })
    }
}

impl Sum for Work {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, work| Self {
            cpu_seconds: sum.cpu_seconds + work.cpu_seconds,
            commands: sum.commands + work.commands,
            calls: sum.calls + work.calls,
        })
    }
}

impl Sub for Work {
    type Output = Self;

    /// What was done since `before`.
    fn sub(self, before: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
            commands: self.commands.saturating_sub(before.commands),
            calls: self.calls.saturating_sub(before.calls),
        }
    }
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

/// Asks on a connection of its own.
fn ask<T: redis::FromRedisValue>(url: &str, command: &redis::Cmd) -> anyhow::Result<T> {
    let mut connection = Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(command.query(&mut connection)?)
}

/// The seconds in the two lines of `INFO cpu` that tell of the whole process.
fn cpu_seconds(line: &str) -> Option<f64> {
    let (name, value) = line.split_once(':')?;
    if !["used_cpu_user", "used_cpu_sys"].contains(&name) {
        return None;
    }
    value.trim().parse().ok()
}

/// A command's name and how often it ran, of a line of `INFO commandstats`: `cmdstat_get:calls=3,usec=…`.
fn calls(line: &str) -> Option<(&str, u64)> {
    let (command, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
    Some((command, figures.split(',').next()?.parse().ok()?))
}
