//! `ratekeeper health`: what a probe is told of servers that are well, that are not, and of what is no server.

mod secret;

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::Instant;

use crate::harness::ratekeeper::BINARY;
use crate::harness::{Ratekeeper, ports, wait};

const RULES: &str = "{domain: mesh, descriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1}}]}";

/// Runs the command with these arguments, which are parted by spaces, and these variables.
async fn health_with(arguments: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    command.env_clear().envs(variables.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    command.arg("health").args(arguments.split_whitespace());
    tokio::time::timeout(wait::PATIENCE, command.output()).await.expect("it ends by itself").unwrap()
}

async fn health(arguments: &str) -> Output {
    health_with(arguments, &[]).await
}

/// Expects this status, and one line with all of these words on the stream that belongs to it.
#[track_caller]
fn check(output: &Output, status: i32, words: &[&str]) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let (told, silent) = if status == 0 { (out, err) } else { (err, out) };
    assert_eq!((output.status.code(), silent.as_ref()), (Some(status), ""), "{told}");
    assert_eq!((told.matches('\n').count(), told.ends_with('\n')), (1, true), "one line: {told}");
    for word in words {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
}

#[tokio::test]
async fn a_server_that_is_ready_is_healthy_both_ways() {
    let server = Ratekeeper::with_rules(RULES).await;
    let (http, grpc) = (server.listen.http, server.listen.grpc);
    check(
        &health(&format!("--address {http}")).await,
        0,
        &[&format!("healthy: http://{http}/readyz answers 200: ok\n")],
    );
    check(&health(&format!("--http --live --address {http}")).await, 0, &["/livez answers 200"]);
    for service in ["", "--service ratelimit", "--service envoy.service.ratelimit.v3.RateLimitService"] {
        check(&health(&format!("--grpc --address {grpc} {service}")).await, 0, &["answers SERVING"]);
    }
    let unknown = health(&format!("--grpc --address {grpc} --service nobody")).await;
    check(&unknown, 1, &["for `nobody` does not know that name", "leave --service out"]);
}

#[tokio::test]
async fn the_address_is_that_of_the_settings() {
    let server = Ratekeeper::with_rules(RULES).await;
    let folder = TempDir::new().unwrap();
    let (file, wildcard) =
        (folder.path().join("ratekeeper.yaml"), format!("0.0.0.0:{}", server.listen.http.port()));
    std::fs::write(&file, format!("listen: {{http: '{wildcard}', grpc: '{}'}}\n", server.listen.grpc))
        .unwrap();
    let file = file.to_str().unwrap();
    let asked = format!("http://{}/readyz", server.listen.http);
    check(&health(&format!("--config {file}")).await, 0, &[&asked]);
    check(&health(&format!("--config {file} --grpc")).await, 0, &[&server.listen.grpc.to_string()]);
    check(&health_with("", &[("RATEKEEPER_CONFIG", file)]).await, 0, &[&asked]);
    check(&health_with("", &[("RATEKEEPER_LISTEN__HTTP", &wildcard)]).await, 0, &[&asked]);
    let any = health_with("", &[("RATEKEEPER_LISTEN__HTTP", "127.0.0.1:0")]).await;
    check(&any, 2, &["listen.http is 127.0.0.1:0, which is any free port; say with --address"]);
}

#[tokio::test]
async fn settings_with_faults_and_wrong_arguments_are_neither_health_nor_illness() {
    let faulty = health_with("", &[("RATEKEEPER_LISTEN__HTPP", "x")]).await;
    assert_eq!(faulty.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&faulty.stderr).contains("RATEKEEPER_LISTEN__HTPP"));
    assert_eq!(health("--nothing").await.status.code(), Some(2));
    let missing = health("--grpc --address 127.0.0.1:1 --tls --ca /nowhere/ca.pem").await;
    check(&missing, 2, &["/nowhere/ca.pem"]);
    // Whoever names the address needs no settings.
    let server = Ratekeeper::with_rules(RULES).await;
    let named =
        health_with(&format!("--address {}", server.listen.http), &[("RATEKEEPER_LISTEN__HTPP", "x")]).await;
    check(&named, 0, &["ok"]);
}

#[tokio::test]
async fn without_rules_it_lives_and_is_not_healthy_until_there_are_some() {
    let server = Ratekeeper::setup().start_unready().await;
    let (http, grpc) =
        (format!("--address {}", server.listen.http), format!("--grpc --address {}", server.listen.grpc));
    check(&health(&http).await, 1, &["not healthy: ", "answers 503: no rules are loaded", "rules.paths"]);
    check(&health(&format!("{http} --live")).await, 0, &["/livez"]);
    check(&health(&grpc).await, 1, &["answers NOT_SERVING", "ratekeeper health --http"]);
    server.write_rules("rules.yaml", RULES);
    wait::until("health", || async {
        health(&http).await.status.success() && health(&grpc).await.status.success()
    })
    .await;
}

#[tokio::test]
async fn a_server_that_leaves_is_not_healthy_while_it_still_lives() {
    let mut server =
        Ratekeeper::setup().rules(RULES).settings("drain: {pause: 10s, deadline: 10s}").start().await;
    let (http, grpc) =
        (format!("--address {}", server.listen.http), format!("--grpc --address {}", server.listen.grpc));
    server.signal(Signal::TERM);
    wait::until("draining", || async { !health(&http).await.status.success() }).await;
    check(&health(&http).await, 1, &["answers 503: draining", "it was told to end"]);
    check(&health(&grpc).await, 1, &["NOT_SERVING"]);
    check(&health(&format!("{http} --live")).await, 0, &["/livez"]);
    // A second signal cuts the pause short.
    assert_eq!(server.stop().await.code(), Some(0));
    check(&health(&http).await, 1, &["refused"]);
}

#[tokio::test]
async fn nobody_is_told_with_what_to_look_at() {
    let address = ports::free();
    for (how, setting) in [("", "listen.http"), ("--grpc", "listen.grpc")] {
        let told = health(&format!("{how} --address {address}")).await;
        check(&told, 1, &[&address.to_string(), "refused", "is ratekeeper running", setting]);
    }
    check(
        &health("--address unix:/nowhere/rk.sock").await,
        1,
        &["/readyz of unix:/nowhere/rk.sock cannot be asked"],
    );
}

#[tokio::test]
async fn who_takes_connections_and_never_answers_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for how in ["", "--grpc", "--grpc --tls --ca"] {
        let authority = crate::harness::Authority::new();
        let ca = if how.ends_with("--ca") { authority.file("ca.pem") } else { String::new() };
        let begin = Instant::now();
        let told = health(&format!("{how} {ca} --address {address} --timeout 300ms")).await;
        check(&told, 1, &["no answer within 300ms", "--timeout gives it longer"]);
        assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn the_wrong_port_is_told() {
    let server = Ratekeeper::with_rules(RULES).await;
    let ask = |how: &'static str, address: SocketAddr| async move {
        health(&format!("{how} --address {address}")).await
    };
    check(&ask("", server.listen.grpc).await, 1, &["--grpc asks the gRPC port"]);
    check(&ask("--grpc", server.listen.http).await, 1, &["is this ratekeeper's listen.grpc?"]);
    check(&ask("", server.listen.metrics).await, 1, &["answers 404", "is this ratekeeper's listen.http?"]);
}

#[tokio::test]
async fn unix_sockets_are_asked() {
    let folder = TempDir::new().unwrap();
    let socket = |name: &str| format!("unix:{}", folder.path().join(name).display());
    let (http, grpc) = (socket("http"), socket("grpc"));
    // The harness asks the TCP port whether the server is ready, so HTTP stays there.
    let server = Ratekeeper::setup().rules(RULES).variable("RATEKEEPER_LISTEN__GRPC", &grpc).start().await;
    check(&health(&format!("--grpc --address {grpc}")).await, 0, &[&grpc, "SERVING"]);
    check(&health_with("--grpc", &[("RATEKEEPER_LISTEN__GRPC", &grpc)]).await, 0, &[&grpc]);
    drop(server);
    let mut command = Command::new(BINARY);
    command.env_clear().kill_on_drop(true).stderr(Stdio::null());
    command.args([
        "serve",
        "--http",
        &http,
        "--grpc",
        &grpc,
        "--metrics",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ]);
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, RULES).unwrap();
    let _server = command.arg("--rules").arg(rules).spawn().unwrap();
    let arguments = format!("--address {http}");
    wait::until("health", || async { health(&arguments).await.status.success() }).await;
    check(&health(&arguments).await, 0, &[&format!("healthy: /readyz of {http} answers 200: ok")]);
}
