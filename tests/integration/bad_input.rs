//! Input that nobody should send, over the real wire: it gets a status or is counted, and the server goes on.

use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use ratekeeper_proto::RateLimitUnit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::harness::ask::nothing;
use crate::harness::raw_grpc::{SHOULD_RATE_LIMIT, call, exchange, frame};
use crate::harness::{Ask, Ratekeeper, ask, entries, http, raw_grpc, tell};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: alive, rate_limit: {unit: year, requests_per_unit: 1000000}}
  - {key: most, rate_limit: {unit: year, requests_per_unit: 4294967295}}";

/// Asks for something bad, then for something good.
async fn refused(server: &Ratekeeper, bad: &Ask, code: Code, text: &str) {
    let refusal = server.ask(bad).await.expect_err("a refusal");
    assert_eq!(refusal.code(), code, "{}", refusal.message());
    assert!(refusal.message().contains(text), "`{text}` is not in `{}`", refusal.message());
    is_alive(server).await;
}

async fn is_alive(server: &Ratekeeper) {
    assert!(tell(&server.ask(&ask("alive=1")).await).starts_with("OK [ok "));
}

#[tokio::test]
async fn what_only_an_operator_controls_is_refused_with_a_status() {
    let server = Ratekeeper::with_rules(RULES).await;
    let invalid = Code::InvalidArgument;
    refused(&server, &ask("k=v").domain(""), invalid, "rate limit domain must not be empty").await;
    refused(&server, &nothing(), invalid, "rate limit descriptor list must not be empty").await;
    refused(&server, &ask("k=v").limit(1, RateLimitUnit::Unknown), invalid, "unit").await;
    refused(&server, &ask("k=v").limit_in(1, 1234), invalid, "1234").await;
    let many = |count: usize| (0..count).fold(nothing(), |ask, number| ask.also(&format!("k={number}")));
    refused(&server, &many(10_000), invalid, "1024").await;
    refused(&server, &many(1_025), invalid, "1024").await;
    assert!(server.ask(&many(1_024)).await.is_ok(), "as many as may be");
    let deep = |count: usize| (0..count).map(|level| format!("k{level}=v ")).collect::<String>();
    refused(&server, &ask(&deep(65)), invalid, "64").await;
    assert_eq!(tell(&server.ask(&ask(&deep(64))).await), "OK [ok]", "as deep as may be");
}

#[tokio::test]
async fn long_values_are_counted_each_by_itself() {
    let server = Ratekeeper::with_rules(RULES).await;
    let long = |last: &str| format!("k={}{last}", "x".repeat(1_000_000));
    for last in ["a", "b"] {
        assert_eq!(tell(&server.ask(&ask(&long(last))).await), "OK [ok 0/1 year]");
        assert_eq!(tell(&server.ask(&ask(&long(last))).await), "OVER_LIMIT [over 0/1 year]");
    }
}

#[tokio::test]
async fn any_bytes_are_limited_like_others() {
    let server = Ratekeeper::with_rules(RULES).await;
    let values: [&[u8]; 9] =
        [b"\xff\xfe", b"\xc3", b"a\nb", b"a\r\nb", b"a\0b", b"a_b", b"a|b", b"{a}", b"\xf0\x9f\x92\xa9"];
    for value in values {
        let ask = entries(&[(b"k", value)]);
        assert_eq!(tell(&server.ask(&ask).await), "OK [ok 0/1 year]", "{value:?}");
        assert_eq!(tell(&server.ask(&ask).await), "OVER_LIMIT [over 0/1 year]", "{value:?}");
    }
    assert_eq!(tell(&server.ask(&entries(&[(b"\xff", b"\n")])).await), "OK [ok]", "a key that no rule has");
}

#[tokio::test]
async fn a_domain_of_bytes_that_are_no_text_ends_nothing() {
    let server = Ratekeeper::with_rules(RULES).await;
    // Field 1 (domain), two bytes that are not UTF-8; only the proxy's operator chooses domains.
    let reply = call(server.listen.grpc, SHOULD_RATE_LIMIT, &[0x0a, 2, 0xff, 0xfe]).await.unwrap();
    assert_ne!(reply, "0");
    is_alive(&server).await;
}

#[tokio::test]
async fn the_largest_hits_count_as_the_cap() {
    let server = Ratekeeper::with_rules(RULES).await;
    let largest = ask("most=1").own_hits(u64::MAX);
    for left in [3_294_967_295_u32, 2_294_967_295, 1_294_967_295, 294_967_295] {
        assert_eq!(tell(&server.ask(&largest).await), format!("OK [ok {left}/4294967295 year]"));
    }
    assert_eq!(tell(&server.ask(&largest).await), "OVER_LIMIT [over 0/4294967295 year]");
    assert_eq!(tell(&server.ask(&ask("most=1")).await), "OVER_LIMIT [over 0/4294967295 year]");
}

#[tokio::test]
async fn garbage_instead_of_a_message_gets_a_status() {
    let server = Ratekeeper::with_rules(RULES).await;
    let to = server.listen.grpc;
    let refused = |status: String| assert!(!matches!(&*status, "" | "0"), "answered with {status:?}");
    refused(call(to, SHOULD_RATE_LIMIT, b"\xff\xff\xff\xff\xff\xff\xff").await.unwrap());
    refused(call(to, SHOULD_RATE_LIMIT, &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]).await.unwrap());
    refused(call(to, SHOULD_RATE_LIMIT, &vec![b'x'; 5 << 20]).await.unwrap());
    // Compressed as nobody said, longer than there is, and no frame at all.
    let mut compressed = frame(b"").to_vec();
    compressed[0] = 1;
    refused(exchange(to, SHOULD_RATE_LIMIT, compressed.into()).await.unwrap());
    refused(exchange(to, SHOULD_RATE_LIMIT, Bytes::from_static(&[0, 0, 0, 0, 9, 1])).await.unwrap());
    refused(exchange(to, SHOULD_RATE_LIMIT, Bytes::new()).await.unwrap());
    let unknown = call(to, "/envoy.service.ratelimit.v3.RateLimitService/Nothing", b"").await.unwrap();
    assert_eq!(unknown, i32::from(Code::Unimplemented).to_string());
    is_alive(&server).await;
}

/// Decoded, a message can take many times its size, so what is not complete must not be decoded and then held.
#[tokio::test]
async fn a_message_is_not_looked_at_before_its_call_has_ended() {
    let server = Ratekeeper::with_rules(RULES).await;
    let mut peer = raw_grpc::Peer::connect(server.listen.grpc).await;
    let (withheld, mut rest) = peer.begin(b"\xff\xff\xff");
    let (complete, mut end) = peer.begin(b"\xff\xff\xff");
    end.send_data(Bytes::new(), true).unwrap();
    assert_ne!(raw_grpc::answer(complete).await, "0");
    // It came first on the same connection, so an answer to it would be here by now.
    let mut withheld = Box::pin(raw_grpc::answer(withheld));
    assert!(withheld.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    rest.send_data(Bytes::new(), true).unwrap();
    assert_ne!(withheld.await, "0");
}

#[tokio::test]
async fn other_protocols_and_half_open_connections_end_at_their_connection() {
    let server = Ratekeeper::with_rules(RULES).await;
    let answer = http::get(server.listen.grpc, "/json").await.unwrap();
    assert_eq!(answer.status, 400, "HTTP/1 on the gRPC port");
    assert!(answer.text().contains("HTTP/2"), "{}", answer.text());
    for opening in [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM", b"\x16\x03\x01\x02\x00\x01", &[0xff; 100]] {
        let mut half_open = TcpStream::connect(server.listen.grpc).await.unwrap();
        half_open.write_all(opening).await.unwrap();
        is_alive(&server).await;
        drop(half_open);
    }
    is_alive(&server).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server = Ratekeeper::with_rules(RULES).await;
    let mut silent = TcpStream::connect(server.listen.grpc).await.unwrap();
    let mut seen = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(40), silent.read_to_end(&mut seen)).await;
    assert!(end.is_ok(), "still open after 40 s");
}
