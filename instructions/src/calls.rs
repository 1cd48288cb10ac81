//! Whole calls: a server under callgrind, and one caller that waits for each answer.
//!
//! A server is run twice, for few calls and for many, so that what it does at its start and at its end does not count. One
//! caller at a time makes each call one turn of the server's loop; with more, the count would hang on how they coincide.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::callgrind::{self, Measured};
use crate::program::{Folder, Program, free_addresses};

const FEW: u64 = 500;
const MANY: u64 = 3_500;

/// What is served.
#[derive(Debug, Clone, Copy)]
enum Served {
    Constant,
    Local,
    Redis,
}

const CALLS: [(Served, u32, &str); 4] = [
    (Served::Constant, 1, "call: constant answer"),
    (Served::Local, 1, "call: local store"),
    (Served::Local, 4, "call: local store, 4 descriptors"),
    (Served::Redis, 1, "call: Redis"),
];

const RULES: &str =
    "domain: bench\ndescriptors: [{key: key, rate_limit: {unit: day, requests_per_unit: 4000000000}}]\n";

/// What each kind of call costs a server.
pub(crate) fn measure() -> anyhow::Result<Vec<Measured>> {
    let measured = |&(served, descriptors, name): &(Served, u32, &str)| {
        let run = |calls| count(served, descriptors, calls).with_context(|| format!("{name}, {calls} times"));
        let instructions = run(MANY)?.saturating_sub(run(FEW)?) / (MANY - FEW);
        Ok(Measured { path: name.to_owned(), instructions })
    };
    CALLS.iter().map(measured).collect()
}

/// The instructions of a server from its start to its end, with so many calls in between.
fn count(served: Served, descriptors: u32, calls: u64) -> anyhow::Result<u64> {
    let (folder, redis_folder) = (Folder::new("server")?, Folder::new("redis")?);
    let [address, redis_address] = free_addresses()?;
    let _redis = match served {
        Served::Redis => Some(redis(redis_address, redis_folder.path())?),
        Served::Constant | Served::Local => None,
    };
    let output = folder.path().join("counted");
    let mut command = match served {
        Served::Constant => callgrind::command(&output, &[])?,
        Served::Local => ratekeeper(folder.path(), &output, address, "store: local")?,
        Served::Redis => {
            let store =
                format!("store: redis\nredis: {{urls: [\"redis://{redis_address}\"], timeout: 999ms}}");
            ratekeeper(folder.path(), &output, address, &store)?
        }
    };
    if let Served::Constant = served {
        command.args(["constant", &address.to_string()]);
    }
    let server = Program::start(command, address)?;
    make_calls(address, descriptors, calls)?;
    server.end("TERM")?;
    callgrind::total(&output)
}

fn ratekeeper(folder: &Path, output: &Path, grpc: SocketAddr, store: &str) -> anyhow::Result<Command> {
    let [http, metrics, admin] = free_addresses()?;
    let (settings_file, rules) = (folder.join("ratekeeper.yaml"), folder.join("rules"));
    let settings = format!(
        "listen: {{grpc: \"{grpc}\", http: \"{http}\", metrics: \"{metrics}\", admin: \"{admin}\"}}\n\
         log: {{level: error}}\n\
         drain: {{pause: 0s}}\n\
         {store}\n"
    );
    std::fs::create_dir(&rules).context("cannot make the folder of rules")?;
    std::fs::write(rules.join("bench.yaml"), RULES).context("cannot write the rules")?;
    std::fs::write(&settings_file, settings).context("cannot write the settings")?;
    let mut command = callgrind::command(output, &[])?;
    command.args(["ratekeeper", "serve", "--config"]).arg(settings_file).arg("--rules").arg(rules);
    Ok(command)
}

fn redis(address: SocketAddr, folder: &Path) -> anyhow::Result<Program> {
    let mut command = Command::new("redis-server");
    command.args([
        "--port",
        &address.port().to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]);
    command.arg("--dir").arg(folder);
    Program::start(command, address)
}

/// One after another, by one caller.
fn make_calls(address: SocketAddr, descriptors: u32, calls: u64) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    command.args(["ratekeeper", "bench", "--connections", "1", "--streams", "1", "--warmup", "0s"]);
    command.args([
        "--requests",
        &calls.to_string(),
        "--keys",
        "1000",
        "--descriptors",
        &descriptors.to_string(),
    ]);
    command.args(["--timeout", "60s", "--format", "json", &address.to_string()]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot make calls")?;
    ensure!(output.status.success(), "the calls failed ({})", output.status);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("no report of the calls")?;
    ensure!(report["decisions"] == calls, "not every call was answered:\n{report:#}");
    Ok(())
}
