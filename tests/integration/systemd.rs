//! The unit for machines with systemd: it is well-formed, hardened, lets through what the server does, and its commands work on the
//! files that the page has people install.

mod machine;
mod unit;

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::Duration;

use ratekeeper::config::settings::Settings;
use tempfile::TempDir;

use crate::docs::markdown::pages;
use crate::harness::ratekeeper::BINARY;
use crate::harness::{Redis, http, ports, wait};
use machine::{Machine, STOP};
use unit::{Unit, file};

const QUESTION: &str = r#"{"domain":"hello","descriptors":[{"entries":[{"key":"user","value":"you"}]}]}"#;

/// What a program says, where it is installed; without it the check is left out with a message, but not in CI.
fn output(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            let why =
                format!("not checked: {program} does not run here ({error}); scripts/test-setup installs it");
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}");
            eprintln!("{why}");
            None
        }
    }
}

/// The unit as it would be where its program is the one under test.
fn unit_of_this_binary() -> (TempDir, String) {
    let folder = TempDir::with_prefix("unit-").unwrap();
    let path = folder.path().join("ratekeeper.service");
    let text = std::fs::read_to_string(file("ratekeeper.service")).unwrap();
    std::fs::write(&path, text.replace("/usr/local/bin/ratekeeper", BINARY)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let (_folder, path) = unit_of_this_binary();
    let Some(output) = output("systemd-analyze", &["verify", "--man=no", &path]) else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    let about_us: Vec<_> = told.lines().filter(|line| line.contains("ratekeeper")).collect();
    assert!(about_us.is_empty(), "{about_us:#?}");
}

/// The line that the page has people write with `systemctl edit`, for the Redis at this URL.
fn edited(url: &str) -> String {
    let page = pages().into_iter().find(|page| page.name == "docs/install-systemd.md").unwrap();
    let told = page.text.lines().find(|line| line.starts_with("systemctl edit ratekeeper ")).unwrap();
    let line = &told[told.find("Environment=").unwrap()..];
    let (variable, example) = line.rsplit_once('=').unwrap();
    assert_eq!(example, "redis://redis.example:6379");
    format!("{variable}={url}")
}

/// The lines that the page has people write for a Redis with a password and no users, but for those about TLS.
fn edited_for_a_cloud(url: &str) -> String {
    let page = pages().into_iter().find(|page| page.name == "docs/install-systemd.md").unwrap();
    let (_, block) =
        page.blocks("text").into_iter().find(|(_, block)| block.starts_with("[Service]")).unwrap();
    let lines = block.lines().skip(1).filter(|line| !line.contains("_TLS__"));
    let lines: Vec<_> = lines.map(|line| line.replace("rediss://limits.cache.example:6380", url)).collect();
    assert!(lines.len() == 2 && lines.concat().contains(url), "{lines:?}");
    lines.join("\n")
}

/// Files and folders as they are when the service starts, with the password of Redis and these lines of `systemctl edit`.
fn ready_to_start(edited: &str) -> Machine {
    let machine = Machine::installed();
    std::fs::write(machine.path("/etc/ratekeeper/redis/password"), "s3cret\n").unwrap();
    machine.settle("/etc/ratekeeper/config/ratekeeper.yaml");
    machine.make_folders();
    machine.edit(edited);
    machine
}

/// The server's command, which listens where nobody else does, and its HTTP address.
fn serve(machine: &Machine) -> (Command, SocketAddr) {
    let http = ports::free();
    let mut command = machine.command("ExecStart");
    let socket = format!("unix:{}", machine.path("/run/ratekeeper/grpc.sock").display());
    command.env("RATEKEEPER_LISTEN__GRPC", &socket).env("RATEKEEPER_LISTEN__HTTP", http.to_string());
    command.env("RATEKEEPER_LISTEN__METRICS", ports::free().to_string());
    command.env("RATEKEEPER_LISTEN__ADMIN", ports::free().to_string());
    command.env("RATEKEEPER_REDIS__TIMEOUT", "900ms");
    command.env("RATEKEEPER_DRAIN__PAUSE", "0s");
    (command, http)
}

/// The scale goes from 0, which no service reaches, to 10.
#[test]
fn the_unit_is_exposed_to_little() {
    let path = file("ratekeeper.service");
    let arguments = ["security", "--offline=true", "--no-pager", "--threshold=15", path.to_str().unwrap()];
    let Some(output) = output("systemd-analyze", &arguments) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_time_to_stop_fits_the_drain() {
    let unit = Unit::read(&file("ratekeeper.service"));
    let drain = Settings::default().drain;
    let end = Duration::from_secs(2);
    assert!(Duration::from_secs(unit.seconds("TimeoutStopSec")) >= drain.pause + drain.deadline + end);
}

#[test]
fn the_user_that_the_unit_names_is_made() {
    let root = TempDir::with_prefix("sysusers-").unwrap();
    let (folder, from) = (format!("--root={}", root.path().display()), file("ratekeeper.sysusers"));
    std::fs::create_dir_all(root.path().join("etc/sysusers.d")).unwrap();
    std::fs::copy(from, root.path().join("etc/sysusers.d/ratekeeper.conf")).unwrap();
    let Some(output) = output("systemd-sysusers", &[&folder, "ratekeeper.conf"]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let users = std::fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let unit = Unit::read(&file("ratekeeper.service"));
    assert!(users.starts_with(&format!("{}:", unit.one("User"))), "{users}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_installs_starts_serves_reloads_and_stops() {
    let redis = Redis::start().await;
    redis.cli(&["ACL", "SETUSER", "ratekeeper", "on", ">s3cret", "~rk:*", "+@all"]).await;
    let mut machine = ready_to_start(&edited(&redis.url()));
    let check = machine.command("ExecStartPre").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));

    let (command, http) = serve(&machine);
    let mut server = machine.start(command);
    machine.is_told("READY=1").await;
    assert_eq!(http::get(http, "/readyz").await.unwrap().status, 200, "ready when systemd is told so");
    let answer = http::post(http, "/json", QUESTION).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(redis.keys().await.iter().filter(|key| key.contains("hello")).count(), 1, "counted in Redis");

    let rules = machine.path("/etc/ratekeeper/rules/hello.yaml");
    let text = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, "domain: hello\ndescriptors: nonsense\n").unwrap();
    machine.is_told("the rule files have faults; the rules before stay in force").await;
    machine.told.clear();
    std::fs::write(&rules, text).unwrap();
    machine.reload(server.id());
    machine.is_told("STATUS=rules in force: ").await;

    server.signal(STOP);
    assert_eq!(server.end().await.code(), Some(0));
    machine.is_told("STOPPING=1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_knows_a_password_and_no_users_is_counted_in() {
    let redis = Redis::start().await;
    redis.cli(&["CONFIG", "SET", "requirepass", "s3cret"]).await;
    let mut machine = ready_to_start(&edited_for_a_cloud(&redis.url()));
    let (command, http) = serve(&machine);
    let mut server = machine.start(command);
    machine.is_told("READY=1").await;
    wait::until("Redis to be asked", || async {
        http::get(http, "/readyz").await.unwrap().text().trim() == "ok"
    })
    .await;
    server.signal(STOP);
    server.end().await;
}
