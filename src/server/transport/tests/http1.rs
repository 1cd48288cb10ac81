//! The HTTP/1 server: answers, deadlines, cap, drain.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::peer::hear_out;
use super::{Gate, PATIENCE, SHORT, eventually, loopback};
use crate::server::transport::{
    ConnectionStats, DrainOutcome, Http1Server, Http1Settings, Lifetime, ListenAddress,
};

const HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";

fn start(settings: &Http1Settings, gate: &Gate) -> Http1Server {
    counted(settings, gate).0
}

/// A server, and what its connections do.
fn counted(settings: &Http1Settings, gate: &Gate) -> (Http1Server, Arc<ConnectionStats>) {
    let gate = gate.clone();
    let slow = move || async move {
        drop(gate.0.acquire().await);
        "slow"
    };
    let router = Router::new().route("/hello", get(|| async { "hello" })).route("/slow", get(slow));
    let stats = Arc::default();
    (Http1Server::start(loopback(), settings, Arc::clone(&stats), router), stats)
}

async fn connect(server: &Http1Server) -> TcpStream {
    let ListenAddress::Tcp(address) = server.address() else { unreachable!("a TCP listener") };
    TcpStream::connect(address).await.expect("a listener")
}

/// Sends a request and reads the answer, which must fit into one segment.
async fn ask(socket: &mut TcpStream, request: &[u8]) -> String {
    socket.write_all(request).await.expect("a connection");
    let mut answer = vec![0; 4096];
    let read = timeout(PATIENCE, socket.read(&mut answer)).await.expect("in time").expect("an answer");
    answer.truncate(read);
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let (server, stats) = counted(&Http1Settings::default(), &Gate::closed());
    let mut socket = connect(&server).await;
    for _ in 0..3 {
        let answer = ask(&mut socket, HELLO).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
    }
    assert!(ask(&mut socket, b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n").await.contains("404"));
    assert_eq!(stats.accepted.get(), 1);
}

#[tokio::test]
async fn a_request_that_takes_too_long_gets_503() {
    let settings = Http1Settings { request_timeout: SHORT, ..Http1Settings::default() };
    let (server, stats) = counted(&settings, &Gate::closed());
    let mut socket = connect(&server).await;
    assert!(ask(&mut socket, SLOW).await.starts_with("HTTP/1.1 503 "));
    assert!(ask(&mut socket, HELLO).await.starts_with("HTTP/1.1 200 "), "the connection goes on");
    assert_eq!(stats.request_timeouts.get(), 1);
}

#[tokio::test]
async fn silent_slow_and_idle_peers_are_closed() {
    let settings = Http1Settings { header_read_timeout: SHORT, ..Http1Settings::default() };
    let server = start(&settings, &Gate::closed());
    let mut silent = connect(&server).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"GET / HTT").await.expect("a connection");
    let mut idle = connect(&server).await;
    assert!(ask(&mut idle, HELLO).await.contains("200"));
    for socket in [&mut silent, &mut slow, &mut idle] {
        hear_out(socket).await;
    }
}

#[tokio::test]
async fn a_head_beyond_the_limit_gets_431() {
    let settings = Http1Settings { max_header_bytes: 1024, ..Http1Settings::default() };
    let server = start(&settings, &Gate::closed());
    let request = format!("GET /hello HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(2_000));
    assert!(ask(&mut connect(&server).await, request.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn connections_above_the_cap_are_closed_at_once() {
    let (server, stats) =
        counted(&Http1Settings { max_connections: 1, ..Http1Settings::default() }, &Gate::closed());
    let mut first = connect(&server).await;
    ask(&mut first, HELLO).await;
    assert!(hear_out(&mut connect(&server).await).await.is_empty());
    assert_eq!(stats.refused.get(), 1);
    assert!(ask(&mut first, HELLO).await.contains("200"));
}

#[tokio::test]
async fn an_old_connection_is_closed_between_requests() {
    let lifetime = Lifetime { max_age: Some(SHORT), grace: PATIENCE };
    let (server, stats) = counted(&Http1Settings { lifetime, ..Http1Settings::default() }, &Gate::closed());
    let mut socket = connect(&server).await;
    ask(&mut socket, HELLO).await;
    assert!(hear_out(&mut socket).await.is_empty());
    assert_eq!((stats.aged.get(), stats.failed.get()), (1, 0));
}

#[tokio::test]
async fn a_drain_answers_what_runs_and_closes_what_idles() {
    let gate = Gate::closed();
    let (server, stats) = counted(&Http1Settings::default(), &gate);
    let (mut idle, mut busy) = (connect(&server).await, connect(&server).await);
    ask(&mut idle, HELLO).await;
    busy.write_all(SLOW).await.expect("a connection");
    eventually("both are served", || stats.accepted.get() == 2).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let drain = tokio::spawn(server.drain(PATIENCE));
    hear_out(&mut idle).await;
    gate.open();
    let answer = hear_out(&mut busy).await;
    let answer = String::from_utf8(answer).expect("text");
    assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
    assert_eq!(drain.await.expect("no panic"), DrainOutcome { finished: 2, cut: 0 });
}

#[tokio::test]
async fn a_drain_cuts_at_its_deadline() {
    let server = start(&Http1Settings::default(), &Gate::closed());
    let mut busy = connect(&server).await;
    busy.write_all(SLOW).await.expect("a connection");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.drain(SHORT).await, DrainOutcome { finished: 0, cut: 1 });
    assert!(hear_out(&mut busy).await.is_empty());
}
