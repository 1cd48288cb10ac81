//! Who is not let in, what that costs, and starts that cannot be.

use std::process::{Command, Output};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{GATEWAY, NAMES, RULES, Secured};
use crate::harness::ratekeeper::BINARY;
use crate::harness::{Authority, SecureClient, ask, wait};

#[tokio::test]
async fn clients_are_let_in_by_name() {
    let authority = Authority::new();
    let secured = Secured::listed(&authority).await;
    let (to, asked) = (secured.server.listen.grpc, ask("k=v"));
    let gateway = SecureClient::new(&authority, Some(&authority.issue(&[GATEWAY])));
    assert_eq!(gateway.ask(to, &asked).await.unwrap(), "OK [ok 99/100 year]");
    let unlisted = SecureClient::new(&authority, Some(&authority.issue(&["a.client"])));
    unlisted.ask(to, &asked).await.unwrap_err();
    secured.until_failed("not_allowed", 1.0).await;
    secured
        .server
        .logged("a client was refused: no name of its certificate is in grpc.tls.allowed_names")
        .await;
    SecureClient::new(&authority, None).ask(to, &asked).await.unwrap_err();
    secured.until_failed("no_certificate", 1.0).await;
    let expired = authority.issue_until(&[GATEWAY], 2001);
    SecureClient::new(&authority, Some(&expired)).ask(to, &asked).await.unwrap_err();
    secured.until_failed("expired", 1.0).await;
    let strange = Authority::new().issue(&[GATEWAY]);
    SecureClient::new(&authority, Some(&strange)).ask(to, &asked).await.unwrap_err();
    secured.until_failed("untrusted", 1.0).await;
    assert_eq!(gateway.ask(to, &asked).await.unwrap(), "OK [ok 98/100 year]", "it goes on");
}

#[tokio::test]
async fn a_certificate_may_be_a_matter_of_choice() {
    let authority = Authority::new();
    let tls = "client_ca: CA, client_certificate: optional, allowed_names: ['spiffe://cluster.local/ns/istio-system/*', b.client]";
    let secured = Secured::start(&authority, tls, "").await;
    let (to, asked) = (secured.server.listen.grpc, ask("k=v"));
    for shown in [None, Some([GATEWAY]), Some(["B.client"])] {
        let shown = shown.map(|names| authority.issue(&names));
        SecureClient::new(&authority, shown.as_ref()).ask(to, &asked).await.unwrap();
    }
    let unlisted = authority.issue(&["*.client"]);
    SecureClient::new(&authority, Some(&unlisted)).ask(to, &asked).await.unwrap_err();
    secured.until_failed("not_allowed", 1.0).await;
}

#[tokio::test]
async fn plain_text_garbage_and_half_handshakes_are_bounded() {
    const HALF: usize = 40;
    let authority = Authority::new();
    let secured = Secured::start(&authority, "", "handshake_timeout: 500ms, max_connections: 50").await;
    let (to, asked) = (secured.server.listen.grpc, ask("k=v"));
    secured.server.ask(&asked).await.unwrap_err();
    wait::until("it is counted", || async { secured.failed("not_tls").await >= 1.0 }).await;
    let mut half = Vec::new();
    for index in 0..HALF {
        let mut socket = TcpStream::connect(to).await.unwrap();
        // The beginning of a greeting, or nothing at all.
        let words: &[u8] = if index % 2 == 0 { b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" } else { b"" };
        socket.write_all(words).await.unwrap();
        half.push(socket);
    }
    let client = SecureClient::new(&authority, None);
    client.ask(to, &asked).await.unwrap();
    for mut socket in half {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(wait::PATIENCE, socket.read_to_end(&mut rest)).await.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    secured.until_failed("timeout", HALF as f64).await;
    wait::until("all of them to be gone", || async {
        secured.metrics().await.sum("ratekeeper_connections_open", &[]) == 0.0
    })
    .await;
    client.ask(to, &asked).await.unwrap();
}

/// What a start with these lines of `grpc.tls` says, and `check` before it; FOLDER is one with a certificate, its key, and another key.
#[track_caller]
fn check_start(tls: &str, words: &[&str]) {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    authority.issue(&NAMES).write(folder.path());
    let other = authority.issue(&NAMES).key;
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("other.pem"), &other).unwrap();
    std::fs::write(path("rules.yaml"), RULES).unwrap();
    let tls = tls.replace("FOLDER", folder.path().to_str().unwrap());
    std::fs::write(path("ratekeeper.yaml"), format!("grpc: {{tls: {{{tls}}}}}\n")).unwrap();
    let (settings, rules) = (path("ratekeeper.yaml"), path("rules.yaml"));
    let (settings, rules) = (settings.to_str().unwrap(), rules.to_str().unwrap());
    let served = run(&["serve", "--config", settings, "--rules", rules]);
    let checked = run(&["check", "--config", settings, rules]);
    for (told, status) in [
        (String::from_utf8(served.stderr), served.status),
        (String::from_utf8(checked.stdout), checked.status),
    ] {
        let told = told.unwrap();
        assert_eq!(status.code(), Some(1), "{told}");
        for word in words {
            assert!(told.contains(word), "{told}");
        }
        let secret = other.lines().nth(1).unwrap();
        assert!(!told.contains(secret), "{told}");
    }
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.env_clear().env("RATEKEEPER_LISTEN__ADMIN", "127.0.0.1:0").args(arguments).output().unwrap()
}

#[test]
fn a_start_that_cannot_be_says_what_to_do() {
    check_start(
        "certificate: FOLDER/cert.pem",
        &["a certificate and its key go together", "grpc.tls.key", "write both `certificate` and `key`"],
    );
    check_start(
        "certificate: FOLDER/none.pem, key: FOLDER/key.pem",
        &["grpc.tls.certificate: ", "none.pem cannot be read", "that this user may read"],
    );
    check_start(
        "certificate: FOLDER/cert.pem, key: FOLDER/other.pem",
        &["grpc.tls.certificate and grpc.tls.key do not go together", "that the first certificate"],
    );
    check_start(
        "certificate: FOLDER/cert.pem, key: FOLDER/key.pem, client_ca: FOLDER/other.pem",
        &["grpc.tls.client_ca: no certificate in PEM form"],
    );
}

#[test]
fn settings_are_checked_where_their_certificates_are_not() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("rules.yaml"), RULES).unwrap();
    let tls = "grpc: {tls: {certificate: /nowhere/tls.crt, key: /nowhere/tls.key}}\n";
    std::fs::write(path("ratekeeper.yaml"), tls).unwrap();
    let (settings, rules) = (path("ratekeeper.yaml"), path("rules.yaml"));
    let check = |flags: &[&str], status: i32, words: &[&str]| {
        let output = run(&[&["check", "--config", &settings, &rules], flags].concat());
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(status), "{told}");
        words.iter().for_each(|word| assert!(told.contains(word), "`{word}` is not in: {told}"));
    };
    check(
        &[],
        1,
        &[&settings, "field: grpc.tls", "/nowhere/tls.crt cannot be read", "--without-certificates"],
    );
    check(&["--format", "json"], 1, &["\"grpc.tls\"", "/nowhere/tls.crt cannot be read"]);
    let content = "no faults (rule files: 1, domains: 1; the files of grpc.tls were not read)";
    check(&["--without-certificates"], 0, &[content]);
    std::fs::write(&settings, "store: local\n").unwrap();
    check(&["--without-certificates"], 0, &["no faults (rule files: 1, domains: 1)\n"]);
}
