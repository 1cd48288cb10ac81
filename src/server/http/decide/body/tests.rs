//! Who waits for whom, on paused time.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use hyper::body::Frame;
use tokio::time::Instant;

use super::*;

/// A body that does not say how long it is.
struct Unsized(Body);

impl HttpBody for Unsized {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

fn request(length: usize) -> Request {
    let body = format!(r#"{{"domain":"{}"}}"#, "x".repeat(length - 13));
    assert_eq!(body.len(), length);
    Request::new(Body::from(body))
}

fn unsized_request(length: usize) -> Request {
    request(length).map(|body| Body::new(Unsized(body)))
}

/// Whether it was read as a large one, after any wait.
async fn read(bodies: &Bodies, request: Request) -> Result<bool, Unread> {
    bodies.read(request).await.map(|read| read.large.is_some())
}

#[tokio::test]
async fn only_large_bodies_stand_in_line() {
    let bodies = Bodies::new();
    assert!(!read(&bodies, request(SMALL_BYTES)).await.expect("a request"));
    assert!(read(&bodies, request(SMALL_BYTES + 1)).await.expect("a request"));
    assert!(read(&bodies, request(MAX_BODY_BYTES)).await.expect("a request"));
    assert!(!read(&bodies, unsized_request(SMALL_BYTES)).await.expect("a request"));
    assert!(read(&bodies, unsized_request(SMALL_BYTES + 1)).await.expect("a request"));
    assert!(matches!(read(&bodies, request(MAX_BODY_BYTES + 1)).await, Err(Unread::TooLarge)));
    let malformed = Request::new(Body::from("x".repeat(SMALL_BYTES + 1)));
    assert!(matches!(read(&bodies, malformed).await, Err(Unread::Malformed(_))));
    assert_eq!((bodies.places.available_permits(), bodies.turn.available_permits()), (PLACES, 1));
}

#[tokio::test(start_paused = true)]
async fn a_large_body_waits_for_its_turn_and_not_for_ever() {
    let bodies = Bodies::new();
    let first = bodies.read(request(MAX_BODY_BYTES)).await.expect("a request");
    let start = Instant::now();
    let second = read(&bodies, request(SMALL_BYTES + 1)).await;
    assert!(matches!(second, Err(Unread::Busy)));
    assert_eq!(start.elapsed(), PATIENCE);
    read(&bodies, request(SMALL_BYTES)).await.expect("small ones do not wait");
    drop(first);
    assert!(read(&bodies, request(SMALL_BYTES + 1)).await.expect("its turn has come"));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_large_bodies_are_received_at_once() {
    let bodies = Bodies::new();
    let places = Arc::clone(&bodies.places).acquire_many_owned(16).await.expect("places");
    assert!(matches!(read(&bodies, request(SMALL_BYTES + 1)).await, Err(Unread::Busy)));
    assert!(matches!(read(&bodies, unsized_request(1_000)).await, Err(Unread::Busy)));
    let too_large = read(&bodies, request(MAX_BODY_BYTES + 1)).await;
    assert!(matches!(too_large, Err(Unread::TooLarge)), "refused without a place");
    drop(places);
    assert!(read(&bodies, request(SMALL_BYTES + 1)).await.expect("there is a place"));
}
