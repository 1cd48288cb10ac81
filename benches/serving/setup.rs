//! How a server is set up before it is started: its command, settings and rules.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::contender::{Contender, RATEKEEPER, constant_server};
use crate::redis::Redis;
use crate::rule_set::RuleSet;

/// Time enough that no decision is made without Redis.
const PATIENT: &str = "999ms";

/// A server as it is to be started. Of a constant server, only the threads matter.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) contender: Contender,
    pub(crate) rules: RuleSet,
    /// Threads that serve; as many as there are cores unless given.
    pub(crate) threads: Option<NonZeroUsize>,
    /// How long it waits for its Redis.
    pub(crate) redis_timeout: &'static str,
    /// Counters that the local store may hold, where that is not the default.
    pub(crate) max_entries: Option<u64>,
    pub(crate) log_level: &'static str,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grpc: u16,
    pub(crate) http: u16,
    pub(crate) metrics: u16,
    pub(crate) admin: u16,
}

impl Setup {
    /// With one rule, all cores, and patience for its Redis.
    pub(crate) fn of(contender: Contender) -> Self {
        Self {
            contender,
            rules: RuleSet::One,
            threads: None,
            redis_timeout: PATIENT,
            max_entries: None,
            log_level: "warn",
        }
    }

    /// The command that serves on these ports and counts there; what it reads is written to the folder.
    pub(crate) fn command(
        &self,
        folder: &Path,
        ports: Ports,
        redis: Option<&Redis>,
    ) -> anyhow::Result<Command> {
        match self.contender.constant_way() {
            Some(way) => Ok(self.constant(way, ports.grpc)),
            None => self.ratekeeper(folder, ports, redis),
        }
    }

    fn constant(&self, way: &str, port: u16) -> Command {
        let mut command = Command::new(constant_server());
        command.args(["--serve", way, "--listen", &format!("127.0.0.1:{port}")]);
        command.args(self.threads.iter().flat_map(|threads| ["--threads".to_owned(), threads.to_string()]));
        command
    }

    fn ratekeeper(&self, folder: &Path, ports: Ports, redis: Option<&Redis>) -> anyhow::Result<Command> {
        let (config, rules) = (folder.join("ratekeeper.yaml"), rules_folder(folder));
        std::fs::write(&config, self.settings(ports, redis)).context("cannot write the settings")?;
        self.rules.write(&rules)?;
        let mut command = Command::new(RATEKEEPER);
        command.arg("serve").arg("--config").arg(config).arg("--rules").arg(rules);
        Ok(command)
    }

    fn settings(&self, ports: Ports, redis: Option<&Redis>) -> String {
        let listen = |port| format!("\"127.0.0.1:{port}\"");
        let (grpc, http) = (listen(ports.grpc), listen(ports.http));
        let (metrics, admin) = (listen(ports.metrics), listen(ports.admin));
        let (threads, log_level) = (self.threads.map_or(0, NonZeroUsize::get), self.log_level);
        let store =
            redis.map_or_else(|| "store: local\n".to_owned(), |redis| redis.settings(self.redis_timeout));
        let local =
            self.max_entries.map_or_else(String::new, |most| format!("local: {{max_entries: {most}}}\n"));
        format!(
            "listen: {{grpc: {grpc}, http: {http}, metrics: {metrics}, admin: {admin}}}\n\
             log: {{level: {log_level}}}\n\
             threads: {threads}\n\
             {store}{local}"
        )
    }
}

/// Where a server's rules lie within its folder.
pub(crate) fn rules_folder(folder: &Path) -> PathBuf {
    folder.join("rules")
}
