//! Connections that are served: over TCP and Unix sockets, spread, capped, and kept apart from each other.

use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tonic::service::Routes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::peer::{Peer, hear_out, raw, read};
use super::{Gate, PATIENCE, bind, calm, eventually, loopback, start, start_on, unix};
use crate::server::transport::{Http2Server, Http2Settings, ListenAddress, Listener};

async fn check_health(listener: Listener, uri: String) {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let server = Http2Server::start(vec![listener], &calm(), move |_core| {
        TowerToHyperService::new(Routes::new(health.clone()).prepare())
    })
    .expect("threads");
    let channel =
        tonic::transport::Endpoint::from_shared(uri).expect("a URI").connect().await.expect("a server");
    let request = HealthCheckRequest { service: String::new() };
    let answer = HealthClient::new(channel).check(request).await.expect("an answer").into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    assert_eq!(server.drain(PATIENCE).await.cut, 0);
}

#[tokio::test]
async fn unary_calls_over_tcp() {
    let listener = loopback();
    let uri = format!("http://{}", listener.address());
    check_health(listener, uri).await;
}

#[tokio::test]
async fn unary_calls_over_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = unix(&folder);
    let listener = bind(&ListenAddress::Unix(path.clone())).expect("a socket");
    check_health(listener, format!("unix:{}", path.display())).await;
    assert!(!path.exists(), "the socket's file is gone with the server");
}

#[tokio::test]
async fn connections_spread_evenly() {
    let server = start(&calm(), &Gate::closed());
    let mut peers = Vec::new();
    for _ in 0..64 {
        let mut peer = Peer::connect(&server).await;
        peer.ask("/").await.expect("an answer");
        peers.push(peer);
    }
    let cores = &server.stats().cores;
    assert_eq!(cores.iter().map(|core| core.open()).collect::<Vec<_>>(), [32, 32]);
    assert_eq!(cores.iter().map(|core| core.requests.get()).sum::<u64>(), 64);
    assert!(cores.iter().all(|core| core.requests.get() == 32), "as many calls as connections");

    // After the peers of one core leave, it gets the next ones.
    for peer in peers.drain(..).step_by(2) {
        peer.end().await.expect("a proper end");
    }
    let open = || cores.iter().map(|core| core.open()).sum::<usize>();
    eventually("all connections end", || open() == 0).await;
    assert_eq!(server.drain(PATIENCE).await.cut, 0);
}

#[tokio::test]
async fn a_core_that_lost_its_connections_gets_the_next() {
    let server = start(&calm(), &Gate::closed());
    let mut peers = Vec::new();
    for _ in 0..8 {
        peers.push(Peer::connect(&server).await);
    }
    let cores = &server.stats().cores;
    eventually("all are served", || cores.iter().all(|core| core.open() == 4)).await;
    // They were dealt out in turn, so every other one is on the same core.
    let mut kept = Vec::new();
    for (index, peer) in peers.into_iter().enumerate() {
        if index % 2 == 0 { peer.end().await.expect("a proper end") } else { kept.push(peer) }
    }
    eventually("one core is empty", || cores.iter().any(|core| core.open() == 0)).await;
    for _ in 0..4 {
        kept.push(Peer::connect(&server).await);
    }
    eventually("they are even again", || cores.iter().all(|core| core.open() == 4)).await;
}

#[tokio::test]
async fn connections_above_the_cap_are_closed_at_once() {
    let server = start(&Http2Settings { max_connections: 2, ..calm() }, &Gate::closed());
    let (mut first, second) = (Peer::connect(&server).await, Peer::connect(&server).await);
    first.ask("/").await.expect("an answer");
    let mut third = raw(&server).await;
    assert!(hear_out(&mut third).await.is_empty());
    assert_eq!((server.stats().refused.get(), server.stats().accepted.get()), (1, 2));

    first.ask("/").await.expect("those that are open go on");
    second.end().await.expect("a proper end");
    let open = || server.stats().cores.iter().map(|core| core.open()).sum::<usize>();
    eventually("there is room again", || open() == 1).await;
    Peer::connect(&server).await.ask("/").await.expect("the next is served");
}

#[tokio::test]
async fn a_call_beyond_the_limit_is_refused_and_others_go_on() {
    let gate = Gate::closed();
    let server = start(&Http2Settings { max_concurrent_streams: 2, ..calm() }, &gate);
    let socket = raw(&server).await;
    // A client that does not keep to the server's limit: it must not wait for the settings that say it.
    let (mut sender, connection) = h2::client::Builder::new()
        .initial_max_send_streams(100)
        .handshake::<TcpStream, bytes::Bytes>(socket)
        .await
        .expect("HTTP/2");
    let mut send = || {
        let request = http::Request::builder().uri("http://test/slow").body(()).expect("a request");
        sender.send_request(request, true).expect("a stream").0
    };
    let (first, second, third) = (send(), send(), send());
    tokio::spawn(connection);
    let refusal = read(third).await.expect_err("a refusal");
    assert_eq!((refusal.is_reset(), refusal.reason()), (true, Some(h2::Reason::REFUSED_STREAM)));
    gate.open();
    assert_eq!(read(first).await.expect("an answer"), "done");
    assert_eq!(read(second).await.expect("an answer"), "done");
}

#[tokio::test]
async fn a_panic_ends_its_call_alone() {
    let gate = Gate::closed();
    let server = start(&calm(), &gate);
    let mut peer = Peer::connect(&server).await;
    let held = peer.call("/slow");
    assert!(peer.ask("/panic").await.expect_err("a reset").is_reset());
    gate.open();
    assert_eq!(read(held).await.expect("an answer"), "done");
    assert_eq!(peer.ask("/").await.expect("an answer"), "done");
    assert_eq!(server.stats().cores.iter().map(|core| core.panics.get()).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_factory_that_panics_is_an_error_of_the_start() {
    let listener = loopback();
    let start = Http2Server::start(vec![listener], &calm(), |core| {
        assert_eq!(core, 0, "a panic that was asked for");
        super::service(Gate::closed())
    });
    assert!(start.expect_err("no server").to_string().contains("core-1"));
}

#[tokio::test]
async fn several_listeners_share_the_cores() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gate::closed();
    let listeners = vec![bind(&ListenAddress::Unix(unix(&folder))).expect("a socket"), loopback()];
    let server =
        Http2Server::start(listeners, &calm(), move |_core| super::service(gate.clone())).expect("threads");
    let ListenAddress::Tcp(tcp) = server.addresses()[1] else { unreachable!("the second is TCP") };
    let mut over_tcp = Peer::over(TcpStream::connect(tcp).await.expect("a listener")).await.expect("HTTP/2");
    let mut over_unix = Peer::connect(&server).await;
    assert_eq!(over_tcp.ask("/").await.expect("an answer"), "done");
    assert_eq!(over_unix.ask("/").await.expect("an answer"), "done");
    assert!(server.stats().cores.iter().all(|core| core.open() == 1));
}

#[tokio::test]
async fn dropping_the_server_cuts_its_connections() {
    let server = start_on(loopback(), &calm(), &Gate::closed());
    let mut peer = Peer::connect(&server).await;
    peer.ask("/").await.expect("an answer");
    drop(server);
    peer.ended_by_server().await;
}
