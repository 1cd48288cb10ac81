//! Peers that are silent, slow, confused or hostile. Each ends at its own connection, and the next is served.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::peer::{Peer, hear_out, raw};
use super::{Gate, PATIENCE, SHORT, calm, eventually, start};
use crate::server::transport::{Http2Server, Http2Settings};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn hasty() -> Http2Server {
    start(&Http2Settings { handshake_timeout: SHORT, ..calm() }, &Gate::closed())
}

/// Says `words`, and gives what the server answers until it closes.
async fn say(server: &Http2Server, words: &[u8]) -> String {
    let mut socket = raw(server).await;
    socket.write_all(words).await.expect("a connection");
    let heard = hear_out(&mut socket).await;
    Peer::connect(server).await.ask("/").await.expect("others are served");
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn http1_is_told_what_the_port_is_for() {
    let server = start(&calm(), &Gate::closed());
    for request in
        ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "POST /json HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n{"]
    {
        let answer = say(&server, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer:?}");
        assert!(answer.contains("gRPC"), "{answer:?}");
    }
    eventually("both are counted", || server.stats().handshake_http1.get() == 2).await;
}

#[tokio::test]
async fn http1_with_a_long_body_gets_its_answer_too() {
    let server = start(&calm(), &Gate::closed());
    let request = ["POST / HTTP/1.1\r\ncontent-length: 8000000\r\n\r\n", &"x".repeat(8_000_000)].concat();
    assert!(say(&server, request.as_bytes()).await.contains("400 Bad Request"));
}

#[tokio::test]
async fn garbage_is_closed() {
    let server = start(&calm(), &Gate::closed());
    // What a TLS client says first; then a preface that goes wrong at its end.
    assert_eq!(say(&server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await, "");
    assert_eq!(say(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r").await, "");
    eventually("both are counted", || server.stats().handshake_garbage.get() == 2).await;
}

#[tokio::test]
async fn silence_and_half_a_preface_end_at_the_handshake_timeout() {
    let server = hasty();
    assert_eq!(say(&server, b"").await, "");
    assert_eq!(say(&server, b"PRI * HTTP/").await, "");
    eventually("both are counted", || server.stats().handshake_timeouts.get() == 2).await;
}

#[tokio::test]
async fn a_preface_in_pieces_is_served() {
    let server = start(&calm(), &Gate::closed());
    let mut socket = raw(&server).await;
    let (mut client, mut relay) = tokio::io::duplex(1024);
    // h2 writes its preface into the pipe at once; the relay passes it on byte by byte.
    let peer = tokio::spawn(async move {
        let (sender, connection) = h2::client::handshake(&mut client).await.expect("HTTP/2");
        drop(sender);
        connection.await
    });
    let mut byte = [0];
    for _ in 0..PREFACE.len() {
        tokio::io::AsyncReadExt::read_exact(&mut relay, &mut byte).await.expect("a preface");
        socket.write_all(&byte).await.expect("a connection");
        tokio::task::yield_now().await;
    }
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut relay, &mut socket).await });
    tokio::time::timeout(PATIENCE, peer).await.expect("in time").expect("no panic").expect("a proper end");
    assert_eq!(server.stats().handshake_garbage.get(), 0);
}

#[tokio::test]
async fn a_probe_that_only_connects_is_no_failure() {
    let server = start(&calm(), &Gate::closed());
    drop(raw(&server).await);
    let stats = server.stats();
    eventually("it is counted", || stats.handshake_closed.get() == 1).await;
    assert_eq!(
        (stats.failed.get(), stats.handshake_garbage.get(), stats.handshake_timeouts.get()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn garbage_after_the_preface_ends_the_connection() {
    let server = start(&calm(), &Gate::closed());
    // The first frame must be SETTINGS; this one is of an unknown type and 16 MB long.
    say(&server, &[PREFACE, &[255, 255, 255, 99, 0, 0, 0, 0, 0]].concat()).await;
    eventually("it is counted", || server.stats().failed.get() == 1).await;
}

#[tokio::test]
async fn a_peer_that_no_longer_answers_is_dropped() {
    let settings = Http2Settings { keep_alive_interval: Some(SHORT), keep_alive_timeout: SHORT, ..calm() };
    let server = start(&settings, &Gate::closed());
    let mut lively = Peer::connect(&server).await;
    // Says hello and then acknowledges no ping.
    let mut dead = raw(&server).await;
    dead.write_all(&[PREFACE, EMPTY_SETTINGS].concat()).await.expect("a connection");
    hear_out(&mut dead).await;
    eventually("it is counted", || server.stats().failed.get() == 1).await;
    lively.ask("/").await.expect("a peer that answers stays");
}

/// Calls, each reset at once, as raw frames: what a proxy sends while this process is paused.
fn calls_that_are_reset(count: u32) -> Vec<u8> {
    let mut frames = [PREFACE, EMPTY_SETTINGS].concat();
    for stream in (0..count).map(|call| (2 * call + 1).to_be_bytes()) {
        // HEADERS with END_HEADERS and END_STREAM: `:method GET`, `:scheme http`, `:path /` of the static table.
        frames.extend([0, 0, 3, 1, 5].iter().chain(&stream).chain(&[0x82, 0x86, 0x84]));
        // RST_STREAM with CANCEL.
        frames.extend([0, 0, 4, 3, 0].iter().chain(&stream).chain(&[0, 0, 0, 8]));
    }
    frames
}

#[tokio::test]
async fn as_many_calls_that_were_given_up_as_a_pause_makes_do_not_end_the_connection() {
    let server = start(&Http2Settings { cores: std::num::NonZeroUsize::new(1), ..calm() }, &Gate::closed());
    let mut proxy = raw(&server).await;
    proxy.write_all(&calls_that_are_reset(500)).await.expect("a connection");
    let load = &server.stats().cores[0];
    eventually("all are taken", || load.requests.get() == 500).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!((server.stats().failed.get(), load.open()), (0, 1));
}

#[tokio::test]
async fn more_resets_than_that_end_the_connection() {
    let server = start(&Http2Settings { max_pending_resets: 20, ..calm() }, &Gate::closed());
    let mut attacker = raw(&server).await;
    // The server may close while this is still being written.
    let _ = attacker.write_all(&calls_that_are_reset(5_000)).await;
    hear_out(&mut attacker).await;
    eventually("it is counted", || server.stats().failed.get() == 1).await;
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused_and_the_connection_goes_on() {
    let server = start(&Http2Settings { max_header_list_bytes: 4_096, ..calm() }, &Gate::closed());
    let mut peer = Peer::connect(&server).await;
    let answer = peer.call(&format!("/{}", "x".repeat(5_000))).await.expect("an answer");
    assert_eq!(answer.status(), http::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(peer.ask("/").await.expect("an answer"), "done");
}

#[tokio::test]
async fn headers_as_long_as_a_proxy_takes_them_from_its_users_are_served() {
    let server = start(&calm(), &Gate::closed());
    let mut peer = Peer::connect(&server).await;
    assert_eq!(peer.ask(&format!("/{}", "x".repeat(60 * 1024))).await.expect("an answer"), "done");
}
