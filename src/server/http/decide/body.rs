//! Reads JSON bodies without holding up the thread that also accepts connections and answers probes.
//!
//! A body of a mebibyte takes a tenth of a second to decode, and many times its size in memory. So large ones are decoded on
//! another thread, one at a time, and only so many are received at once; others wait, unread, and not for ever. Small
//! ones do not wait for large ones.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use ratekeeper_proto::RateLimitRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio::time::timeout;

use crate::server::json::{self, JsonFault};

/// JSON takes far more memory when it is read than protobuf, so a body may be at most this large, whatever gRPC may send.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Bodies up to this size are decoded where they are received; that takes two milliseconds at the most.
const SMALL_BYTES: usize = 16 * 1024;

/// Large bodies that may be received at once. A client that sends slowly keeps its place until the request's deadline.
const PLACES: usize = 16;

/// How long a large body may wait; below the deadline of a request, so that its sender learns why.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps large bodies in line.
#[derive(Debug)]
pub(super) struct Bodies {
    places: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

/// A request, and the right to hold it if it was large.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) message: RateLimitRequest,
    pub(super) large: Option<Turn>,
}

/// The turn of one large request; the next comes when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("the body is larger than {MAX_BODY_BYTES} bytes; use gRPC for such requests")]
    TooLarge,
    #[error("the body cannot be read: {0}")]
    Broken(BytesRejection),
    #[error(transparent)]
    Malformed(#[from] JsonFault),
    #[error("too many large bodies are waiting to be read; send smaller ones, or use gRPC")]
    Busy,
    #[error("reading the body failed")]
    Failed(#[from] JoinError),
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), turn: Arc::new(Semaphore::new(1)) }
    }

    /// Receives a body and decodes it.
    pub(super) async fn read(&self, request: Request) -> Result<Read, Unread> {
        let size = request.body().size_hint();
        if size.lower() > MAX_BODY_BYTES as u64 {
            return Err(Unread::TooLarge);
        }
        if size.upper().is_some_and(|most| most <= SMALL_BYTES as u64) {
            return read_small(&receive(request).await?);
        }
        let place = wait(&self.places).await?;
        let body = receive(request).await?;
        if body.len() <= SMALL_BYTES {
            return read_small(&body);
        }
        let turn = Turn { _place: place, _turn: wait(&self.turn).await? };
        // The turn goes along, so that the next one does not begin when this request is given up while it is decoded.
        let (message, turn) =
            tokio::task::spawn_blocking(move || (json::decode_request(&body), turn)).await?;
        Ok(Read { message: message?, large: Some(turn) })
    }
}

impl Unread {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Unread::Broken(rejection) => rejection.status(),
            Unread::Malformed(_) => StatusCode::BAD_REQUEST,
            Unread::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Unread::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn read_small(body: &[u8]) -> Result<Read, Unread> {
    Ok(Read { message: json::decode_request(body)?, large: None })
}

async fn receive(request: Request) -> Result<Bytes, Unread> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge,
        _ => Unread::Broken(rejection),
    })
}

async fn wait(for_one_of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Unread> {
    let permit = timeout(PATIENCE, Arc::clone(for_one_of).acquire_owned()).await;
    // Nobody closes it, so that only time can run out.
    permit.ok().and_then(Result::ok).ok_or(Unread::Busy)
}

#[cfg(test)]
mod tests;
