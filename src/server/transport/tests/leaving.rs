//! Connections that are asked to leave: at their maximum age, and when the server drains.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::peer::{Peer, raw, read};
use super::{Gate, PATIENCE, SHORT, calm, eventually, start};
use crate::server::transport::{DrainOutcome, Http2Settings, Lifetime, ListenAddress};

fn aging(grace: Duration) -> Http2Settings {
    Http2Settings { lifetime: Lifetime { max_age: Some(SHORT), grace }, ..calm() }
}

#[tokio::test]
async fn at_its_maximum_age_a_connection_gets_goaway_and_its_calls_finish() {
    let gate = Gate::closed();
    let server = start(&aging(PATIENCE), &gate);
    let begin = Instant::now();
    let mut peer = Peer::connect(&server).await;
    let held = peer.call("/slow");
    assert_eq!(peer.goaway().await, h2::Reason::NO_ERROR);
    assert!(begin.elapsed() >= SHORT * 9 / 10, "not before nine tenths of the age");
    gate.open();
    assert_eq!(read(held).await.expect("an answer"), "done");
    peer.ended_by_server().await;
    assert_eq!((server.stats().aged.get(), server.stats().cut_by_age.get()), (1, 0));
    assert_eq!(server.stats().failed.get(), 0);
    Peer::connect(&server).await.ask("/").await.expect("the next connection is served");
}

#[tokio::test]
async fn after_its_grace_an_old_connection_is_dropped() {
    let server = start(&aging(SHORT), &Gate::closed());
    let mut peer = Peer::connect(&server).await;
    let held = peer.call("/slow");
    peer.goaway().await;
    read(held).await.expect_err("the call is cut");
    peer.ended_by_server().await;
    eventually("it is counted", || server.stats().cut_by_age.get() == 1).await;
}

#[tokio::test]
async fn a_drain_lets_calls_finish_and_takes_no_more() {
    let gate = Gate::closed();
    let server = start(&calm(), &gate);
    let ListenAddress::Tcp(address) = server.addresses()[0] else { unreachable!("a TCP listener") };
    let (mut busy, idle) = (Peer::connect(&server).await, Peer::connect(&server).await);
    let held = busy.call("/slow");
    eventually("the call runs", || server.stats().cores.iter().any(|core| core.requests.get() == 1)).await;

    let drain = tokio::spawn(server.drain(PATIENCE));
    assert_eq!(busy.goaway().await, h2::Reason::NO_ERROR);
    idle.end().await.expect("a proper end");
    TcpStream::connect(address).await.expect_err("nobody listens");
    assert!(!drain.is_finished(), "a call is still running");
    gate.open();
    assert_eq!(read(held).await.expect("an answer"), "done");
    assert_eq!(drain.await.expect("no panic"), DrainOutcome { finished: 2, cut: 0 });
}

#[tokio::test]
async fn at_the_deadline_of_a_drain_what_is_left_is_dropped() {
    let server = start(&calm(), &Gate::closed());
    let stats = server.stats().clone();
    let (mut busy, idle) = (Peer::connect(&server).await, Peer::connect(&server).await);
    let held = busy.call("/slow");
    eventually("the call runs", || stats.cores.iter().any(|core| core.requests.get() == 1)).await;
    let begin = Instant::now();
    assert_eq!(server.drain(SHORT).await, DrainOutcome { finished: 1, cut: 1 });
    assert!(begin.elapsed() >= SHORT);
    read(held).await.expect_err("the call is cut");
    idle.end().await.expect("a proper end");
    assert_eq!((stats.cut_by_drain.get(), stats.cut_by_age.get()), (1, 0));
}

#[tokio::test]
async fn a_drain_holds_for_connections_that_are_leaving_already() {
    let server = start(&aging(PATIENCE), &Gate::closed());
    let mut peer = Peer::connect(&server).await;
    let _held = peer.call("/slow");
    peer.goaway().await;
    assert_eq!(server.drain(SHORT).await, DrainOutcome { finished: 0, cut: 1 });
}

#[tokio::test]
async fn a_call_that_waits_in_the_backlog_when_a_drain_begins_is_answered() {
    // On one thread with the accept loop: without an await between connecting and draining nobody can accept it before.
    let server = start(&calm(), &Gate::closed());
    let ListenAddress::Tcp(address) = server.addresses()[0] else { unreachable!("a TCP listener") };
    let socket = std::net::TcpStream::connect(address).expect("a listener");
    socket.set_nonblocking(true).expect("a socket");
    let drain = tokio::spawn(server.drain(PATIENCE));
    let socket = TcpStream::from_std(socket).expect("a socket");
    let mut peer = Peer::over(socket).await.expect("HTTP/2");
    assert_eq!(peer.ask("/").await.expect("an answer"), "done");
    assert_eq!(drain.await.expect("no panic"), DrainOutcome { finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_drain_does_not_wait_for_silent_connections_longer_than_for_any_handshake() {
    let server = start(&Http2Settings { handshake_timeout: SHORT, ..calm() }, &Gate::closed());
    let _silent = raw(&server).await;
    eventually("it is accepted", || server.stats().accepted.get() == 1).await;
    assert_eq!(server.drain(PATIENCE).await, DrainOutcome { finished: 1, cut: 0 });
}
