//! Who is not let in, what that costs, and starts that cannot be.

use std::process::Command;

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

/// What a start with these lines of `grpc.tls` says; FOLDER is one with a certificate, its key, and another key.
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
    let mut command = Command::new(BINARY);
    command.env_clear().env("RATEKEEPER_LISTEN__ADMIN", "127.0.0.1:0").args(["serve", "--config"]);
    let output =
        command.arg(path("ratekeeper.yaml")).arg("--rules").arg(path("rules.yaml")).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{told}");
    for word in words {
        assert!(told.contains(word), "{told}");
    }
    let secret = other.lines().nth(1).unwrap();
    assert!(!told.contains(secret), "{told}");
}

#[test]
fn a_start_that_cannot_be_says_what_to_do() {
    check_start(
        "certificate: FOLDER/cert.pem",
        &["a certificate and its key go together", "grpc.tls.key", "write both `certificate` and `key`"],
    );
    check_start(
        "certificate: FOLDER/none.pem, key: FOLDER/key.pem",
        &[
            "the gRPC port cannot have TLS",
            "grpc.tls.certificate: ",
            "none.pem cannot be read",
            "that this user may read",
        ],
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
