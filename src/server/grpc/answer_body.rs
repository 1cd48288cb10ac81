//! What a call is answered with: one message and a status of OK, or whatever tonic answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body, Frame, SizeHint};
use tonic::Status;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const OK: HeaderValue = HeaderValue::from_static("0");

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody {
    /// A framed message, still to be sent.
    Message(Bytes),
    /// The trailers that end a call that went well.
    Trailers,
    /// Nothing more.
    End,
    /// tonic's answer.
    Tonic(tonic::body::Body),
}

/// Nothing, as an answer has that is all headers.
impl Default for AnswerBody {
    fn default() -> Self {
        AnswerBody::End
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut *self {
            AnswerBody::Message(data) => {
                let data = std::mem::take(data);
                *self = AnswerBody::Trailers;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            AnswerBody::Trailers => {
                *self = AnswerBody::End;
                let mut trailers = HeaderMap::with_capacity(1);
                trailers.insert(STATUS, OK);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            AnswerBody::End => Poll::Ready(None),
            AnswerBody::Tonic(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Message(_) | AnswerBody::Trailers => false,
            AnswerBody::End => true,
            AnswerBody::Tonic(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            // Not told, or hyper would send a length with every answer, which gRPC has in front of its messages.
            AnswerBody::Message(_) => SizeHint::default(),
            AnswerBody::Trailers | AnswerBody::End => SizeHint::with_exact(0),
            AnswerBody::Tonic(body) => body.size_hint(),
        }
    }
}
