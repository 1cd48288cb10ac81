//! One message on the wire, as gRPC's HTTP/2 protocol frames it: a byte that says whether it is compressed, four of its length,
//! and the message.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Response, header};
use prost::Message;
use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};

use super::answer_body::AnswerBody;

/// What stands before a message.
pub(super) const PREFIX_BYTES: usize = 5;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// The request, where this is exactly one that is not compressed and can be decoded. Whatever else it is, tonic has words for it.
///
/// Its keys and values are parts of the data and no copies.
pub(super) fn read(data: &Bytes) -> Option<RateLimitRequest> {
    let (&[compressed, ref length @ ..], message) = data.split_first_chunk::<PREFIX_BYTES>()?;
    let plain = compressed == 0 && usize::try_from(u32::from_be_bytes(*length)).ok()? == message.len();
    plain.then(|| RateLimitRequest::decode(data.slice(PREFIX_BYTES..)).ok())?
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

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use hyper::body::Body;

    use super::*;

    fn framed(flag: u8, length: u32, message: &[u8]) -> Bytes {
        let mut data = BytesMut::new();
        data.put_u8(flag);
        data.put_u32(length);
        data.put_slice(message);
        data.freeze()
    }

    #[test]
    fn one_whole_message_is_read_and_everything_else_left_to_tonic() {
        let domain = b"\x0a\x01d";
        assert_eq!(read(&framed(0, 3, domain)).map(|request| request.domain), Some("d".to_owned()));
        assert_eq!(read(&framed(0, 0, b"")), Some(RateLimitRequest::default()));
        for (flag, length, message) in
            [(1, 3, domain.as_slice()), (0, 2, domain), (0, 4, domain), (0, 1, b"\xff")]
        {
            assert_eq!(read(&framed(flag, length, message)), None, "{flag} {length} {message:?}");
        }
        assert_eq!(read(&Bytes::from_static(b"\0\0\0\0")), None);
    }

    #[test]
    fn an_answer_has_no_header_but_its_type() {
        let response = write(&RateLimitResponse::default());
        let names: Vec<&HeaderName> = response.headers().keys().collect();
        assert_eq!(names, [header::CONTENT_TYPE]);
        assert_eq!(response.body().size_hint().exact(), None, "hyper would send its length");
    }
}
