//! The body of a call that has one message, given on when all of it is there.
//!
//! tonic decodes a message when its last byte is there, and then waits for the end of the call. Decoded, a message of many
//! empty descriptors takes thirty times as much memory as on the wire, so a peer that sends all but the end would make us hold
//! far more than it sent. Given on as a whole, a message is decoded only when it can be answered at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tonic::Status;
use tower::BoxError;

use super::message::PREFIX_BYTES;

/// A body that is given on in one piece. Trailers are not given on: a request of gRPC has none.
#[derive(Debug)]
pub(super) struct Whole<B> {
    body: B,
    most: usize,
    gathered: Vec<u8>,
    ended: bool,
}

impl<B> Whole<B> {
    /// For messages of this size at the most.
    pub(super) fn new(body: B, max_message_bytes: usize) -> Self {
        let most = max_message_bytes.saturating_add(PREFIX_BYTES);
        Self { body, most, gathered: Vec::new(), ended: false }
    }

    /// Gives back what had been taken from an ended body, so that somebody else can read it.
    pub(super) fn put_back(&mut self, data: Bytes) {
        self.gathered = data.into();
    }

    fn gather(&mut self, data: &[u8]) -> Result<(), Status> {
        if data.len() > self.most - self.gathered.len() {
            let most = self.most - PREFIX_BYTES;
            return Err(Status::out_of_range(format!(
                "the message is larger than {most} bytes (grpc.max_request_bytes)"
            )));
        }
        self.gathered.extend_from_slice(data);
        Ok(())
    }

    fn give(&mut self) -> Option<Frame<Bytes>> {
        let gathered = std::mem::take(&mut self.gathered);
        (!gathered.is_empty()).then(|| Frame::data(gathered.into()))
    }
}

impl<B> Whole<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    /// All of it, once it has ended.
    pub(super) async fn all(&mut self) -> Result<Bytes, BoxError> {
        let frame = poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await.transpose()?;
        Ok(frame.and_then(|frame| frame.into_data().ok()).unwrap_or_default())
    }
}

impl<B> Body for Whole<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while !self.ended {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                self.ended = true;
                break;
            };
            let Ok(data) = frame.map_err(Into::into)?.into_data() else { continue };
            // The usual case: all of it came at once, and nothing is copied.
            if self.gathered.is_empty() && self.body.is_end_stream() && data.len() <= self.most {
                self.ended = true;
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            self.gather(&data)?;
        }
        Poll::Ready(self.give().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.gathered.is_empty()
    }
}

#[cfg(test)]
mod tests;
