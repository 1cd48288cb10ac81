//! One message on the wire, as gRPC's HTTP/2 protocol frames it: a byte that says whether it is compressed, four of its length,
//! and the message.

use bytes::{BufMut, BytesMut};
use http::{HeaderValue, Response, header};
use prost::Message;
use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};

use super::answer_body::AnswerBody;

/// What stands before a message.
pub(super) const PREFIX_BYTES: usize = 5;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// The request, where this is exactly one that is not compressed and can be decoded. Whatever else it is, tonic has words for it.
pub(super) fn read(data: &[u8]) -> Option<RateLimitRequest> {
    let (&[compressed, ref length @ ..], message) = data.split_first_chunk::<PREFIX_BYTES>()?;
    let plain = compressed == 0 && usize::try_from(u32::from_be_bytes(*length)).ok()? == message.len();
    plain.then(|| RateLimitRequest::decode(message).ok())?
}

/// The whole response that carries the answer.
pub(super) fn write(answer: &RateLimitResponse) -> Response<AnswerBody> {
    let length = answer.encoded_len();
    let mut data = BytesMut::with_capacity(PREFIX_BYTES + length);
    data.put_u8(0);
    // An answer is about as long as its request, which cannot be as long as this.
    data.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    answer.encode(&mut data).expect("the buffer grows");
    let mut response = Response::new(AnswerBody::Message(data.freeze()));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}
