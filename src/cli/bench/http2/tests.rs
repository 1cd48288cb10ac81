//! The session against a server that is made of bytes: what it may do, and what it may not.

use proptest::prelude::*;

use super::request::RequestHead;
use super::session::{Ended, Session};
use super::wire::{FrameHead, HEAD_LEN, PREFACE, flag, kind, put_frame, setting};
use crate::cli::bench::answer::{CallError, Decision};

/// `:status: 200`, `content-type: application/grpc` without a table.
const HEAD: &[u8] = b"\x88\x0f\x10\x10application/grpc";
/// `grpc-status: 0`.
const TRAILERS: &[u8] = b"\x00\x0bgrpc-status\x010";
const OVER_LIMIT: &[u8] = &[0, 0, 0, 0, 2, 0x08, 2];
const END: u8 = flag::END_HEADERS | flag::END_STREAM;
const PONG: &[u8; 8] = b"ratekeep";

/// A session in the hands of a server.
struct Peer {
    session: Session,
    ended: Vec<Ended>,
    head: RequestHead,
}

type Frame<'a> = (u8, u8, u32, &'a [u8]);

impl Peer {
    /// Ready for calls after these settings.
    fn ready(settings: &[(u16, u32)]) -> Self {
        let mut peer = Self::new();
        let settings: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        assert!(!peer.session.is_ready());
        peer.take(&[(kind::SETTINGS, 0, 0, &settings), (kind::SETTINGS, flag::ACK, 0, &[])]);
        assert!(!peer.session.is_ready());
        peer.take(&[(kind::PING, flag::ACK, 0, PONG)]);
        assert!(peer.session.is_ready() && peer.session.output().starts_with(PREFACE));
        peer.drain();
        peer
    }

    fn new() -> Self {
        let target = "127.0.0.1:1".parse().unwrap();
        Self { session: Session::new(), ended: Vec::new(), head: RequestHead::new(&target).unwrap() }
    }

    /// Begins so many calls of this length, in slots from 0.
    fn with_calls(settings: &[(u16, u32)], calls: usize, len: usize) -> Self {
        let mut peer = Self::ready(settings);
        for slot in 0..calls {
            peer.call(slot, len);
        }
        peer
    }

    fn call(&mut self, slot: usize, len: usize) {
        self.session.call(slot, &self.head, len, |out| out.resize(out.len() + len, 7));
    }

    fn take(&mut self, frames: &[Frame<'_>]) {
        assert!(self.try_take(frames), "{frames:?}");
    }

    fn try_take(&mut self, frames: &[Frame<'_>]) -> bool {
        let bytes = encode(frames);
        self.session.receive(&bytes, &mut self.ended).map(|taken| assert_eq!(taken, bytes.len())).is_ok()
    }

    /// What the session has written: kind, flags, stream and length of each frame.
    fn drain(&mut self) -> Vec<(u8, u8, u32, usize)> {
        let mut out = self.session.output();
        out = out.strip_prefix(PREFACE).unwrap_or(out);
        let mut frames = Vec::new();
        while let Some(head) = FrameHead::read(out) {
            frames.push((head.kind, head.flags, head.stream, head.len));
            out = &out[HEAD_LEN + head.len..];
        }
        assert!(out.is_empty());
        self.session.wrote(usize::MAX);
        frames
    }
}

fn encode(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(kind, flags, stream, payload) in frames {
        put_frame(&mut bytes, kind, flags, stream, payload);
    }
    bytes
}

/// One call, these frames, and how it ended, if it did.
#[track_caller]
fn check(frames: &[Frame<'_>], expected: Option<Result<Decision, CallError>>) {
    let mut peer = Peer::with_calls(&[], 1, 10);
    peer.take(frames);
    assert_eq!(peer.ended, expected.map(|outcome| (0, outcome)).into_iter().collect::<Vec<_>>());
    // The same bytes one by one must come to the same.
    let (bytes, mut slow) = (encode(frames), Peer::with_calls(&[], 1, 10));
    let (mut begin, mut ended) = (0, Vec::new());
    for end in 0..=bytes.len() {
        begin += slow.session.receive(&bytes[begin..end], &mut ended).unwrap();
    }
    assert_eq!(ended, peer.ended);
}

/// Frames that no server may send on a connection with a call on stream 1.
#[track_caller]
fn check_refused(frames: &[Frame<'_>]) {
    assert!(!Peer::with_calls(&[], 1, 10).try_take(frames), "{frames:?}");
}

const ANSWER: [Frame<'static>; 3] = [
    (kind::HEADERS, flag::END_HEADERS, 1, HEAD),
    (kind::DATA, 0, 1, OVER_LIMIT),
    (kind::HEADERS, END, 1, TRAILERS),
];

#[test]
fn an_answer_is_a_head_a_message_and_trailers() {
    check(&ANSWER, Some(Ok(Decision::OverLimit)));
    check(&ANSWER[..2], None);
    let halves = OVER_LIMIT.split_at(3);
    check(
        &[ANSWER[0], (kind::DATA, 0, 1, halves.0), (kind::DATA, 0, 1, halves.1), ANSWER[2]],
        Some(Ok(Decision::OverLimit)),
    );
}

#[test]
fn padding_priorities_and_continuations_are_taken_off() {
    let head = [&[2, 0, 0, 0, 0, 9], HEAD, &[0, 0]].concat();
    let data = [&[3], OVER_LIMIT, &[0, 0, 0]].concat();
    check(
        &[
            (kind::HEADERS, END & !flag::END_STREAM | flag::PADDED | flag::PRIORITY, 1, &head),
            (kind::DATA, flag::PADDED, 1, &data),
            (kind::HEADERS, flag::END_STREAM, 1, &TRAILERS[..4]),
            (kind::CONTINUATION, 0, 1, &TRAILERS[4..6]),
            (kind::CONTINUATION, flag::END_HEADERS, 1, &TRAILERS[6..]),
        ],
        Some(Ok(Decision::OverLimit)),
    );
}

#[test]
fn what_ends_a_call_without_a_decision() {
    let malformed = Some(Err(CallError::Malformed));
    let head = ANSWER[0];
    let unavailable: &[u8] = b"\x88\x00\x0bgrpc-status\x0214";
    check(&[(kind::HEADERS, END, 1, unavailable)], Some(Err(CallError::Status(14))));
    check(&[head, (kind::HEADERS, END, 1, &unavailable[1..])], Some(Err(CallError::Status(14))));
    // 404 from the static table, with a page to follow.
    check(&[(kind::HEADERS, flag::END_HEADERS, 1, &[0x8d])], Some(Err(CallError::Http(404))));
    check(&[(kind::RST_STREAM, 0, 1, &[0, 0, 0, 7])], Some(Err(CallError::Reset(7))));
    check(&[(kind::DATA, 0, 1, OVER_LIMIT)], malformed);
    check(&[(kind::HEADERS, END, 1, HEAD)], malformed);
    check(&[head, (kind::DATA, flag::END_STREAM, 1, OVER_LIMIT)], malformed);
    check(&[head, ANSWER[2]], malformed);
    check(&[head, (kind::HEADERS, flag::END_HEADERS, 1, TRAILERS)], malformed);
    check(&[(kind::HEADERS, flag::END_HEADERS, 1, b"\x88")], malformed);
    check(&[(kind::HEADERS, flag::END_HEADERS, 1, b"\x86")], malformed);
    // Farewell to what came after stream 0, in peace or not.
    check(&[(kind::GOAWAY, 0, 0, &[0; 8])], Some(Err(CallError::ConnectionLost)));
}

#[test]
fn an_answer_in_advance_does_not_count() {
    let early: Frame<'_> = (kind::HEADERS, flag::END_HEADERS, 1, b"\x08\x03103");
    check(&[early, ANSWER[0], ANSWER[1], ANSWER[2]], Some(Ok(Decision::OverLimit)));
}

#[test]
fn what_comes_for_a_call_that_has_ended_is_dropped() {
    let late = [ANSWER[0], (kind::RST_STREAM, 0, 1, &[0, 0, 0, 2]), ANSWER[1], ANSWER[2]];
    check(&late, Some(Err(CallError::Reset(2))));
    let unknown: Frame<'_> = (0xbe, 0xff, 77, b"whatever");
    check(&[unknown, (2, 0, 1, &[0; 5]), ANSWER[0], ANSWER[1], ANSWER[2]], Some(Ok(Decision::OverLimit)));
}

#[test]
fn an_endless_message_is_cut_off() {
    let mut peer = Peer::with_calls(&[], 1, 10);
    peer.drain();
    peer.take(&[ANSWER[0]]);
    for _ in 0..64 {
        peer.take(&[(kind::DATA, 0, 1, &[0; 16_384])]);
    }
    assert!(peer.ended.is_empty());
    peer.take(&[(kind::DATA, 0, 1, &[0])]);
    assert_eq!(peer.ended, [(0, Err(CallError::Malformed))]);
    assert_eq!(peer.drain(), [(kind::RST_STREAM, 0, 1, 4)]);
}

#[test]
fn what_breaks_the_protocol_ends_the_connection() {
    check_refused(&[(kind::DATA, 0, 3, b"x")]);
    check_refused(&[(kind::DATA, 0, 2, b"x")]);
    check_refused(&[(kind::DATA, 0, 0, b"x")]);
    check_refused(&[(kind::HEADERS, END, 3, HEAD)]);
    check_refused(&[(kind::DATA, flag::PADDED, 1, &[])]);
    check_refused(&[(kind::DATA, flag::PADDED, 1, &[2, 0])]);
    check_refused(&[(kind::HEADERS, flag::PRIORITY, 1, &[0; 4])]);
    check_refused(&[(kind::HEADERS, flag::END_HEADERS, 1, &[0xff; 9])]);
    check_refused(&[(kind::HEADERS, 0, 1, HEAD), ANSWER[1]]);
    check_refused(&[(kind::HEADERS, 0, 1, HEAD), (kind::CONTINUATION, 0, 1, &[])]);
    check_refused(&[(kind::HEADERS, 0, 1, HEAD), (kind::CONTINUATION, flag::END_HEADERS, 3, &[])]);
    check_refused(&[(kind::CONTINUATION, flag::END_HEADERS, 1, HEAD)]);
    check_refused(&[(kind::RST_STREAM, 0, 1, &[0; 3])]);
    check_refused(&[(kind::RST_STREAM, 0, 3, &[0; 4])]);
    check_refused(&[(kind::SETTINGS, 0, 0, &[0; 5])]);
    check_refused(&[(kind::SETTINGS, flag::ACK, 0, &[0; 6])]);
    check_refused(&[(kind::SETTINGS, 0, 1, &[])]);
    check_refused(&[(kind::PING, 0, 0, &[0; 7])]);
    check_refused(&[(kind::GOAWAY, 0, 0, &[0; 7])]);
    check_refused(&[(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &[0; 9])]);
    check_refused(&[(kind::WINDOW_UPDATE, 0, 0, &[0; 4])]);
    check_refused(&[(kind::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])]);
    check_refused(&[(kind::SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0])]);
}

#[test]
fn frames_that_are_too_long_are_refused_before_they_are_there() {
    let mut peer = Peer::ready(&[]);
    assert!(peer.session.receive(&[0, 0x40, 1, 0, 0, 0, 0, 0, 1], &mut Vec::new()).is_err());
    assert!(Peer::new().session.receive(b"HTTP/1.1 400 Bad Request", &mut Vec::new()).is_err());
    assert!(!Peer::new().try_take(&[(kind::PING, flag::ACK, 0, PONG)]), "settings come first");
}

#[test]
fn endless_header_fields_and_pings_are_refused() {
    let continuation: Frame<'_> = (kind::CONTINUATION, 0, 1, &[0x88; 10_000]);
    check_refused(&[&[(kind::HEADERS, 0, 1, HEAD)][..], &[continuation; 7]].concat());
    let ping: Frame<'_> = (kind::PING, 0, 0, &[0; 8]);
    check_refused(&[ping; 4000]);
    // Of one that reads what it asked for, any number is taken.
    let mut peer = Peer::ready(&[]);
    for _ in 0..4000 {
        peer.take(&[(kind::PING, 0, 0, &[0; 8]), (kind::SETTINGS, 0, 0, &[])]);
        assert_eq!(peer.drain(), [(kind::PING, flag::ACK, 0, 8), (kind::SETTINGS, flag::ACK, 0, 0)]);
    }
}

#[test]
fn the_server_says_how_many_calls_there_may_be() {
    let mut peer = Peer::with_calls(&[(setting::MAX_CONCURRENT_STREAMS, 2)], 1, 10);
    assert!(peer.session.can_call());
    peer.call(1, 10);
    assert!(!peer.session.can_call());
    peer.take(&ANSWER);
    assert!(peer.session.can_call());
}

#[test]
fn a_server_that_leaves_gets_no_more_calls() {
    let mut peer = Peer::with_calls(&[], 2, 10);
    peer.take(&[(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0, b'?'])]);
    assert_eq!(std::mem::take(&mut peer.ended), [(1, Err(CallError::ConnectionLost))]);
    assert!(peer.session.is_leaving() && !peer.session.can_call() && peer.session.open_calls() == 1);
    peer.take(&ANSWER);
    assert_eq!((peer.ended.len(), peer.session.open_calls()), (1, 0));
}

#[test]
fn calls_are_abandoned_with_their_connection() {
    let mut peer = Peer::with_calls(&[], 3, 10);
    peer.session.abandon(&mut peer.ended);
    assert_eq!(peer.ended.len(), 3);
    assert!(peer.ended.iter().all(|(_, outcome)| *outcome == Err(CallError::ConnectionLost)));
}

#[test]
fn requests_wait_for_the_connections_window() {
    let mut peer = Peer::with_calls(&[], 6, 12_000);
    assert!(!peer.session.can_call());
    let data = |flags, stream, len| (kind::DATA, flags, stream, len);
    let sent: Vec<_> = peer.drain().into_iter().filter(|frame| frame.0 == kind::DATA).collect();
    assert_eq!(sent.last(), Some(&data(0, 11, 65_535 - 60_000)));
    peer.take(&[(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 100])]);
    assert_eq!(peer.drain(), [data(0, 11, 100)]);
    peer.take(&[(kind::WINDOW_UPDATE, 0, 0, &[0, 1, 0, 0])]);
    assert_eq!(peer.drain(), [data(flag::END_STREAM, 11, 12_000 - 5_635)]);
    assert!(peer.session.can_call());
}

#[test]
fn requests_wait_for_their_streams_window() {
    let mut peer = Peer::with_calls(&[(setting::INITIAL_WINDOW_SIZE, 8)], 1, 20);
    let data = |flags, len| (kind::DATA, flags, 1, len);
    assert_eq!(peer.drain()[1..], [data(0, 8)]);
    peer.take(&[(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 4])]);
    assert_eq!(peer.drain(), [data(0, 4)]);
    // Less than has been sent already, and more again.
    peer.take(&[(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1])]);
    assert_eq!(peer.drain(), [(kind::SETTINGS, flag::ACK, 0, 0)]);
    peer.take(&[(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 10])]);
    assert_eq!(peer.drain()[0], data(0, 2));
    peer.take(&[(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 1, 0])]);
    assert_eq!(peer.drain(), [data(flag::END_STREAM, 6)]);
}

#[test]
fn long_requests_go_in_several_frames() {
    let mut peer = Peer::with_calls(&[], 1, 40_000);
    let lens: Vec<usize> = peer.drain().into_iter().skip(1).map(|frame| frame.3).collect();
    assert_eq!(lens, [16_384, 16_384, 7_232]);
}

#[test]
fn a_call_that_ends_before_its_request_does_is_cut_short() {
    let mut peer = Peer::with_calls(&[(setting::INITIAL_WINDOW_SIZE, 8)], 1, 20);
    peer.drain();
    peer.take(&[(kind::HEADERS, END, 1, b"\x88\x00\x0bgrpc-status\x0214")]);
    assert_eq!(peer.drain(), [(kind::RST_STREAM, 0, 1, 4)]);
    assert!(peer.session.can_call());
}

#[test]
fn what_was_read_is_acknowledged_in_large_steps() {
    let mut peer = Peer::with_calls(&[], 1, 10);
    peer.drain();
    peer.take(&[(kind::RST_STREAM, 0, 1, &[0; 4])]);
    for _ in 0..511 {
        peer.take(&[(kind::DATA, 0, 1, &[0; 16_384])]);
    }
    assert!(peer.drain().is_empty());
    peer.take(&[(kind::DATA, 0, 1, &[0; 16_384])]);
    assert_eq!(peer.drain(), [(kind::WINDOW_UPDATE, 0, 0, 4)]);
}

proptest! {
    /// Nothing that a server sends makes the session panic, and every call ends at most once.
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut peer = Peer::with_calls(&[], 2, 10);
        let _ = peer.session.receive(&bytes, &mut peer.ended);
    }

    #[test]
    fn no_frames_break_it(frames in proptest::collection::vec(
        (0..11_u8, any::<u8>(), 0..6_u32, proptest::collection::vec(any::<u8>(), 0..12)), 0..20
    )) {
        let mut peer = Peer::with_calls(&[], 2, 10);
        for (kind, flags, stream, payload) in &frames {
            if !peer.try_take(&[(*kind, *flags, *stream, payload.as_slice())]) {
                break;
            }
        }
        peer.session.abandon(&mut peer.ended);
        let mut slots: Vec<usize> = peer.ended.iter().map(|(slot, _)| *slot).collect();
        slots.sort_unstable();
        prop_assert_eq!(slots, [0, 1]);
    }
}
