//! Whole calls: a server under callgrind, and one caller that waits for each answer.
//!
//! A server is run twice, for few calls and for many, so that what it does at its start and at its end does not count. One
//! caller at a time makes each call one turn of the server's loop; with more, the count would hang on how they coincide.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::callgrind::{self, Measured};
use crate::program::{Folder, Program, free_addresses};

const FEW: u64 = 500;
const MANY: u64 = 6_500;

/// What is served.
#[derive(Debug, Clone, Copy)]
enum Served {
    Constant,
    Local,
    /// The local store, with one request in a hundred recorded for a collector that takes spans and never answers.
    Traced,
    /// The local store, with upstream's statistics, and a decision log that has nothing to write.
    Told,
    Redis,
}

const CALLS: [(Served, u32, &str); 6] = [
    (Served::Constant, 1, "call: constant answer"),
    (Served::Local, 1, "call: local store"),
    (Served::Local, 4, "call: local store, 4 descriptors"),
    (Served::Traced, 1, "call: local store, traced at 1 %"),
    (Served::Told, 1, "call: local store, upstream's names and decision log"),
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
    let [grpc, http, metrics, admin, redis_address] = free_addresses()?;
    let output = folder.path().join("counted");
    let mut command = callgrind::command(&output);
    command.arg(callgrind::own_program()?);
    let (mut redis, mut collector) = (None, None);
    let (answers_when_ready, ready): (SocketAddr, Ready) = match served {
        Served::Constant => {
            command.args(["constant", &grpc.to_string()]);
            (grpc, |address| TcpStream::connect(address).is_ok())
        }
        Served::Local | Served::Traced | Served::Told | Served::Redis => {
            let mut store = "store: local".to_owned();
            if let Served::Redis = served {
                redis = Some(start_redis(redis_address, redis_folder.path())?);
                store =
                    format!("store: redis\nredis: {{urls: [\"redis://{redis_address}\"], timeout: 999ms}}");
            }
            if let Served::Traced = served {
                // Connections are made by the kernel.
                let listener =
                    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for a collector")?;
                let address = listener.local_addr().context("no address of a collector")?;
                store = format!("{store}\ntracing: {{endpoint: \"http://{address}\", sample_ratio: 0.01}}");
                collector = Some(listener);
            }
            if let Served::Told = served {
                store.push_str("\nmetrics: {upstream_names: true}\ndecision_log: {output: stdout}");
            }
            let settings = format!(
                "listen: {{grpc: \"{grpc}\", http: \"{http}\", metrics: \"{metrics}\", admin: \"{admin}\"}}\n\
                 log: {{level: error}}\n\
                 drain: {{pause: 0s}}\n\
                 {store}\n"
            );
            serve_ratekeeper(&mut command, folder.path(), &settings)?;
            (http, is_ready)
        }
    };
    let server = Program::start(command, || ready(answers_when_ready))?;
    make_calls(grpc, descriptors, calls)?;
    server.end("TERM")?;
    drop((redis, collector));
    callgrind::total(&output)
}

/// Whether a server can be called, by what listens at this address.
type Ready = fn(SocketAddr) -> bool;

/// Adds to the command what makes it serve with these settings.
fn serve_ratekeeper(command: &mut Command, folder: &Path, settings: &str) -> anyhow::Result<()> {
    let (settings_file, rules) = (folder.join("ratekeeper.yaml"), folder.join("rules"));
    std::fs::create_dir(&rules).context("cannot make the folder of rules")?;
    std::fs::write(rules.join("bench.yaml"), RULES).context("cannot write the rules")?;
    std::fs::write(&settings_file, settings).context("cannot write the settings")?;
    command.args(["ratekeeper", "serve", "--config"]).arg(settings_file).arg("--rules").arg(rules);
    Ok(())
}

/// Whether rules are loaded, by the probe of the HTTP port.
fn is_ready(http: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(http)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: instructions\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}

fn start_redis(address: SocketAddr, folder: &Path) -> anyhow::Result<Program> {
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
    Program::start(command, || TcpStream::connect(address).is_ok())
}

/// One after another, by one caller.
fn make_calls(address: SocketAddr, descriptors: u32, calls: u64) -> anyhow::Result<()> {
    let mut command = Command::new(callgrind::own_program()?);
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
    ensure!(
        report["servers"][0]["turns"][0]["decisions"] == calls,
        "not every call was answered:\n{report:#}"
    );
    Ok(())
}
