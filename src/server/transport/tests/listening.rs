//! Listening: what is bound, what is in the way, and what the errors say to do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::peer::Peer;
use super::{Gate, PATIENCE, bind, calm, loopback, start_on, unix};
use crate::server::transport::{BindOptions, ListenAddress, Listener};

fn parse(text: &str) -> ListenAddress {
    text.parse().expect("an address")
}

#[track_caller]
fn check_refused(address: &ListenAddress, expected: &str) {
    let error = bind(address).expect_err("a refusal").to_string();
    assert!(error.contains(expected) && error.contains(&address.to_string()), "{error}");
}

#[test]
fn addresses_are_read_and_printed_alike() {
    for text in ["0.0.0.0:8081", "[::1]:0", "unix:/run/ratekeeper.sock"] {
        assert_eq!(parse(text).to_string(), text);
    }
    for text in ["", "8081", "localhost:8081", "0.0.0.0", "unix:", "0.0.0.0:99999"] {
        let error = text.parse::<ListenAddress>().expect_err("no address").to_string();
        assert!(error.contains("unix:/PATH"), "{error}");
    }
}

#[tokio::test]
async fn ipv6_is_served() {
    let Ok(listener) = bind(&parse("[::1]:0")) else { return };
    let server = start_on(listener, &calm(), &Gate::closed());
    assert_eq!(Peer::connect(&server).await.ask("/").await.expect("an answer"), "done");
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused() {
    let first = loopback();
    check_refused(first.address(), "in use");
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    check_refused(&parse("192.0.2.1:0"), "no such address");
}

#[tokio::test]
async fn a_port_can_be_taken_again_while_old_connections_linger() {
    let listener = loopback();
    let address = listener.address().clone();
    let server = start_on(listener, &calm(), &Gate::closed());
    let mut peer = Peer::connect(&server).await;
    peer.ask("/").await.expect("an answer");
    server.drain(PATIENCE).await;
    bind(&address).expect("the port is free for a restart");
}

#[tokio::test]
async fn a_stale_socket_file_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = unix(&folder);
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    assert!(path.exists(), "std leaves the file");
    let server = start_on(bind(&ListenAddress::Unix(path)).expect("a socket"), &calm(), &Gate::closed());
    assert_eq!(Peer::connect(&server).await.ask("/").await.expect("an answer"), "done");
}

#[tokio::test]
async fn a_socket_file_on_which_somebody_answers_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = unix(&folder);
    let _first = bind(&ListenAddress::Unix(path.clone())).expect("a socket");
    check_refused(&ListenAddress::Unix(path.clone()), "in use");
    assert!(path.exists());
}

#[tokio::test]
async fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = unix(&folder);
    std::fs::write(&path, "precious").expect("a file");
    check_refused(&ListenAddress::Unix(path.clone()), "not a socket");
    assert_eq!(std::fs::read_to_string(path).expect("a file"), "precious");
    check_refused(&ListenAddress::Unix(folder.path().join("missing/socket")), "folder does not exist");
}

#[tokio::test]
async fn a_socket_file_that_another_process_put_there_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = unix(&folder);
    let ours = bind(&ListenAddress::Unix(path.clone())).expect("a socket");
    std::fs::remove_file(&path).expect("a file");
    let _theirs = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    drop(ours);
    assert!(path.exists());
}

#[tokio::test]
async fn a_socket_file_has_the_mode_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let path = unix(&folder);
    let address = ListenAddress::Unix(path.clone());
    let listener = bind(&address).expect("a socket");
    assert_eq!(mode(&path), 0o660);
    drop(listener);
    let open = BindOptions { unix_mode: 0o666, ..BindOptions::default() };
    let _listener = Listener::bind(&address, &open).expect("a socket");
    assert_eq!(mode(&path), 0o666);
}
