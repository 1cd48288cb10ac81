//! Calls that come in slowly, not to their end, or too many at once: a gRPC service that reads strings of any length.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::SendStream;
use h2::client::ResponseFuture;
use hyper_util::service::TowerToHyperService;
use tokio::time::timeout;
use tonic::Code;
use tonic::service::Routes;

use super::peer::Peer;
use super::{PATIENCE, SHORT, calm, eventually, loopback};
use crate::server::transport::receive::FREE_BYTES;
use crate::server::transport::{Http2Server, Http2Settings};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn start(settings: &Http2Settings) -> Http2Server {
    let (_reporter, health) = tonic_health::server::health_reporter();
    Http2Server::start(vec![loopback()], settings, move |_core| {
        TowerToHyperService::new(Routes::new(health.clone()).prepare())
    })
    .expect("threads")
}

/// A gRPC message of this many bytes: a health check for a service with a long name, which nobody has.
fn message(length: usize) -> Bytes {
    let mut body = BytesMut::with_capacity(length);
    body.put_u8(0);
    body.put_u32(u32::try_from(length - 5).expect("a short message"));
    // Field 1 with a length of four bytes, so that it is of the same size for all.
    body.put_u8(0x0a);
    let text = length - 10;
    for shift in [0, 7, 14, 21] {
        let more = if shift < 21 { 0x80 } else { 0 };
        body.put_u8(u8::try_from(text >> shift & 0x7f).expect("seven bits") | more);
    }
    body.put_bytes(b'x', text);
    body.freeze()
}

/// A call of which everything is sent but the last byte.
struct Unfinished {
    answer: ResponseFuture,
    rest: SendStream<Bytes>,
    last: Bytes,
}

impl Unfinished {
    fn begin(peer: &mut Peer, length: usize) -> Self {
        let (answer, mut rest) = peer.begin("/grpc.health.v1.Health/Check");
        let mut first = message(length);
        let last = first.split_off(length - 1);
        rest.send_data(first, false).expect("a stream");
        Self { answer, rest, last }
    }

    async fn finish(mut self) -> Code {
        // Refused where the server has answered already.
        let _ = self.rest.send_data(self.last, true);
        status(self.answer).await
    }
}

/// The status of an answer.
async fn status(answer: ResponseFuture) -> Code {
    let whole = async {
        let (head, mut body) = answer.await.expect("an answer").into_parts();
        while let Some(data) = body.data().await {
            data.expect("an answer");
        }
        let trailers = body.trailers().await.expect("an answer").unwrap_or_default();
        let status = head.headers.get("grpc-status").or_else(|| trailers.get("grpc-status"));
        Code::from_bytes(status.expect("a status").as_bytes())
    };
    timeout(PATIENCE, whole).await.expect("an answer in time")
}

/// What is asked was understood: nobody has a service of that name.
const DECODED: Code = Code::NotFound;

async fn ask(peer: &mut Peer, length: usize) -> Code {
    Unfinished::begin(peer, length).finish().await
}

#[tokio::test]
async fn a_call_whose_last_byte_is_withheld_ends_at_the_deadline() {
    let server = start(&Http2Settings { receive_timeout: SHORT, ..calm() });
    let mut peer = Peer::connect(&server).await;
    let withheld = Unfinished::begin(&mut peer, MIB);
    assert_eq!(status(withheld.answer).await, Code::DeadlineExceeded);
    assert_eq!(server.stats().receive_timeouts.get(), 1);
    assert_eq!(ask(&mut peer, MIB).await, DECODED, "the connection goes on");
}

#[tokio::test]
async fn sending_byte_by_byte_does_not_move_the_deadline() {
    let server = start(&Http2Settings { receive_timeout: SHORT, ..calm() });
    let mut peer = Peer::connect(&server).await;
    let mut slow = Unfinished::begin(&mut peer, MIB);
    slow.rest.reserve_capacity(1);
    let dripping = tokio::spawn(async move {
        // Ends with the stream; what is sent is the start of another message at the most.
        while slow.rest.send_data(Bytes::from_static(b"\0"), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    eventually("it is cut", || server.stats().receive_timeouts.get() == 1).await;
    drop(slow.answer);
    dripping.abort();
}

#[tokio::test]
async fn what_unfinished_calls_hold_is_bounded_and_comes_back() {
    let server = start(&Http2Settings { max_buffered_bytes: MIB, ..calm() });
    let mut peers = [Peer::connect(&server).await, Peer::connect(&server).await];
    let mut calls = Vec::new();
    for call in 0..16 {
        calls.push(Unfinished::begin(&mut peers[call % 2], FREE_BYTES + 128 * KIB + 1));
    }
    // Eight of them fill the budget, whichever they are.
    eventually("the others are refused", || server.stats().over_budget.get() >= 8).await;
    let (mut decoded, mut refused) = (0, 0);
    for call in calls {
        match call.finish().await {
            DECODED => decoded += 1,
            Code::ResourceExhausted => refused += 1,
            other => unreachable!("{other:?}"),
        }
    }
    assert!((6..=8).contains(&decoded), "{decoded} decoded, {refused} refused");
    for _ in 0..4 {
        assert_eq!(ask(&mut peers[0], FREE_BYTES + MIB).await, DECODED, "all of it is free again");
    }
}

#[tokio::test]
async fn small_calls_need_neither_budget_nor_deadline() {
    let settings = Http2Settings { max_buffered_bytes: 0, receive_timeout: Duration::ZERO, ..calm() };
    let server = start(&settings);
    let mut peer = Peer::connect(&server).await;
    let waiting = Unfinished::begin(&mut peer, FREE_BYTES);
    for length in [100, FREE_BYTES] {
        assert_eq!(ask(&mut peer, length).await, DECODED);
    }
    assert_eq!(waiting.finish().await, DECODED);
    assert_eq!(ask(&mut peer, FREE_BYTES + 1).await, Code::ResourceExhausted);
    assert_eq!((server.stats().over_budget.get(), server.stats().receive_timeouts.get()), (1, 0));
}

#[tokio::test]
async fn large_calls_that_are_complete_are_served() {
    let server = start(&calm());
    let mut peer = Peer::connect(&server).await;
    for _ in 0..3 {
        assert_eq!(ask(&mut peer, 3 * MIB).await, DECODED);
    }
    assert_eq!((server.stats().over_budget.get(), server.stats().receive_timeouts.get()), (0, 0));
}
