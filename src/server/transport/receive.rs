//! The body of a call while it comes in, bounded in memory and time.
//!
//! What a peer has sent of a message lies in memory until the rest of it comes. Without a bound, one connection could hold
//! gigabytes by withholding the last bytes of many large messages. So all calls of a server share a budget, and a call that
//! draws on it must be complete within a deadline.
//!
//! The first [`FREE_BYTES`] of a call are neither counted nor timed, as a usual request is far smaller and must
//! not pay for this. An unfinished call below that costs little: 1,024 of them, as many as a connection may have by default, are
//! 16 MiB at the most, and they end with their connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tower::BoxError;

use super::settings::Http2Settings;
use super::stats::ConnectionStats;

/// What each call may send before it is counted and timed.
pub const FREE_BYTES: usize = 16 * 1024;

/// The body of a request. What it draws from the server's budget goes back when it is dropped, which is when it has been answered.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    bounds: Arc<ReceiveBounds>,
    free: usize,
    drawn: usize,
    /// Made only when it has to be waited for beyond the free part.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// What all calls of a server may hold.
#[derive(Debug)]
pub(crate) struct ReceiveBudget {
    left: AtomicUsize,
}

/// What the bodies of one core have in common. One for each core, so that counting who uses it stays on that core.
#[derive(Debug)]
pub(crate) struct ReceiveBounds {
    budget: Arc<ReceiveBudget>,
    timeout: Duration,
    stats: Arc<ConnectionStats>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, bounds: Arc<ReceiveBounds>) -> Self {
        Self { incoming, bounds, free: FREE_BYTES, drawn: 0, deadline: None }
    }

    /// Draws from the budget what is beyond the free part.
    fn admit(&mut self, length: usize) -> Result<(), Status> {
        let free = self.free.min(length);
        self.free -= free;
        let beyond = length - free;
        if beyond == 0 {
            return Ok(());
        }
        self.bounds.draw(beyond)?;
        self.drawn += beyond;
        Ok(())
    }

    /// Ready when the rest took too long.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let timeout = self.bounds.timeout;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(self.bounds.late())
    }
}

impl ReceiveBudget {
    pub(crate) fn new(settings: &Http2Settings) -> Self {
        Self { left: AtomicUsize::new(settings.max_buffered_bytes) }
    }

    fn draw(&self, bytes: usize) -> bool {
        self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl ReceiveBounds {
    pub(crate) fn new(
        budget: Arc<ReceiveBudget>,
        settings: &Http2Settings,
        stats: Arc<ConnectionStats>,
    ) -> Self {
        Self { budget, timeout: settings.receive_timeout, stats }
    }

    fn draw(&self, bytes: usize) -> Result<(), Status> {
        if self.budget.draw(bytes) {
            return Ok(());
        }
        self.stats.over_budget.increment();
        Err(Status::resource_exhausted(
            "too many large requests are being received at once; this one was not read to its end",
        ))
    }

    fn late(&self) -> Status {
        self.stats.receive_timeouts.increment();
        Status::deadline_exceeded(format!("the request did not arrive within {:?}", self.timeout))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                Poll::Ready(Some(self.admit(length).map(|()| frame).map_err(Into::into)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending if self.drawn == 0 => Poll::Pending,
            Poll::Pending => self.poll_deadline(cx).map(|late| Some(Err(late.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.drawn > 0 {
            self.bounds.budget.give_back(self.drawn);
        }
    }
}
