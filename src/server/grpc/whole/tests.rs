//! Bodies that come in every way that HTTP/2 allows, read as tonic reads them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Waker;

use http::HeaderMap;

use super::*;

/// What comes of a call, in order.
#[derive(Debug)]
enum Piece {
    Data(&'static [u8]),
    Trailers,
    Pause,
    Broken,
}
use Piece::{Broken, Data, Pause, Trailers};

/// A body of these pieces. As in HTTP/2, its end can come with the last piece or after it.
#[derive(Debug)]
struct Pieces {
    pieces: VecDeque<Piece>,
    end_with_last: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.pieces.pop_front() {
            None => Poll::Ready(None),
            Some(Data(data)) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(data))))),
            Some(Trailers) => Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new())))),
            Some(Broken) => Poll::Ready(Some(Err("broken".into()))),
            Some(Pause) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end_with_last && self.pieces.is_empty()
    }
}

/// Of messages with ten bytes at the most.
fn whole(pieces: Vec<Piece>, end_with_last: bool) -> Whole<Pieces> {
    Whole::new(Pieces { pieces: pieces.into(), end_with_last }, 10)
}

async fn read(mut body: Whole<Pieces>) -> Vec<String> {
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame {
            Ok(frame) => {
                let data = frame.into_data().expect("data");
                read.push(String::from_utf8(data.to_vec()).expect("text"));
            }
            Err(error) => {
                read.push(error.to_string());
                return read;
            }
        }
    }
    assert!(body.is_end_stream());
    read
}

#[track_caller]
fn check(pieces: fn() -> Vec<Piece>, expected: &[&str]) {
    for end_with_last in [false, true] {
        let read = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(read(whole(pieces(), end_with_last)));
        assert_eq!(read, expected, "{:?}, the end comes with the last: {end_with_last}", pieces());
    }
}

#[test]
fn all_pieces_are_given_on_as_one() {
    check(Vec::new, &[]);
    check(|| vec![Data(b"abc")], &["abc"]);
    check(|| vec![Data(b"abc"), Pause, Data(b""), Pause, Data(b"de")], &["abcde"]);
    check(|| vec![Pause, Data(b"abc"), Data(b"")], &["abc"]);
    check(|| vec![Data(b"abc"), Trailers], &["abc"]);
    check(|| vec![Trailers], &[]);
}

#[test]
fn more_than_a_message_is_refused_before_it_is_held() {
    check(|| vec![Data(b"0123456789"), Data(b"01234")], &["012345678901234"]);
    let in_pieces = || vec![Data(b"0123456789"), Data(b"012345"), Pause];
    let at_once = || vec![Data(b"0123456789012345")];
    for body in [whole(in_pieces(), false), whole(at_once(), false), whole(at_once(), true)] {
        let text = read_error(body);
        assert!(text.contains("larger than 10 bytes"), "{text}");
    }
}

#[test]
fn a_body_that_breaks_gives_its_error_alone() {
    check(|| vec![Data(b"abc"), Broken], &["broken"]);
}

#[test]
fn nothing_is_given_on_before_the_end() {
    let mut body = whole(vec![Data(b"abc"), Pause], false);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
}

fn read_error(mut body: Whole<Pieces>) -> String {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(&mut body).poll_frame(&mut cx) {
        Poll::Ready(Some(Err(error))) => error.to_string(),
        other => unreachable!("{other:?}"),
    }
}
