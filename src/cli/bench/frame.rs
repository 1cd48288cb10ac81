//! The requests, as bytes: a gRPC frame that is encoded once and afterwards only gets new keys.
//!
//! A message is a gRPC prefix of five bytes and a `RateLimitRequest` whose descriptors have one entry each.
//! A value is the descriptor's place and a key, as `0-0042`: every descriptor has a key space of its own, so no request
//! names a counter twice. Keys are written with the same number of digits, so that the lengths in the frame never change
//! and a request costs a copy and a few digits.

use bytes::BufMut;
use prost::encoding::encode_varint;

use super::keys::Keys;

/// A protobuf tag byte is the field's number times eight, plus 2 for what has a length.
const FIELD_1: u8 = 0x0a;
const FIELD_2: u8 = 0x12;

/// What every request has in common.
#[derive(Debug, Clone)]
pub struct FrameTemplate {
    bytes: Vec<u8>,
    /// Where each descriptor's digits begin.
    holes: Vec<usize>,
    digits: usize,
}

impl FrameTemplate {
    /// A request to `domain` with so many descriptors, each `(entry_key, value)`; keys have so many digits.
    #[must_use]
    pub fn new(domain: &str, entry_key: &str, descriptors: usize, digits: usize) -> Self {
        let mut message = Vec::new();
        put_field(&mut message, FIELD_1, domain.as_bytes());
        let mut ends = Vec::with_capacity(descriptors);
        for place in 0..descriptors {
            put_field(&mut message, FIELD_2, &descriptor(entry_key, place, digits));
            ends.push(message.len());
        }

        let prefix = grpc_prefix(message.len());
        // The key is the last thing of its value, the value of its entry, and the entry of its descriptor.
        let holes = ends.iter().map(|end| prefix.len() + end - digits).collect();
        Self { bytes: [prefix.as_slice(), &message].concat(), holes, digits }
    }

    /// The length of every request.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there always is a prefix")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the next request to `out`, with keys that fit into the template's digits.
    pub fn write(&self, keys: &mut Keys, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.bytes);
        for &hole in &self.holes {
            write_digits(&mut out[begin + hole..begin + hole + self.digits], keys.next_key());
        }
    }
}

fn descriptor(entry_key: &str, place: usize, digits: usize) -> Vec<u8> {
    let value = format!("{place}-{:0digits$}", 0);
    let mut entry = Vec::new();
    put_field(&mut entry, FIELD_1, entry_key.as_bytes());
    put_field(&mut entry, FIELD_2, value.as_bytes());
    let mut descriptor = Vec::new();
    put_field(&mut descriptor, FIELD_1, &entry);
    descriptor
}

fn put_field(buffer: &mut Vec<u8>, tag: u8, content: &[u8]) {
    buffer.put_u8(tag);
    encode_varint(content.len() as u64, buffer);
    buffer.put_slice(content);
}

/// Not compressed, and the message's length in four bytes.
fn grpc_prefix(message_len: usize) -> [u8; 5] {
    let len = u32::try_from(message_len).unwrap_or(u32::MAX).to_be_bytes();
    [0, len[0], len[1], len[2], len[3]]
}

fn write_digits(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use ratekeeper_proto::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
    use ratekeeper_proto::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::Entry;
    use ratekeeper_proto::envoy::service::ratelimit::v3::RateLimitRequest;

    use super::*;

    fn request(domain: &str, key: &str, values: &[&str]) -> RateLimitRequest {
        let descriptor = |value: &&str| RateLimitDescriptor {
            entries: vec![Entry { key: key.to_owned().into(), value: (*value).to_owned().into() }],
            ..RateLimitDescriptor::default()
        };
        RateLimitRequest {
            domain: domain.to_owned(),
            descriptors: values.iter().map(descriptor).collect(),
            ..RateLimitRequest::default()
        }
    }

    /// Decodes a frame as a server would.
    fn decode(frame: &[u8]) -> RateLimitRequest {
        let (prefix, message) = frame.split_at(5);
        assert_eq!(prefix[0], 0, "not compressed");
        assert_eq!(u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize, message.len());
        RateLimitRequest::decode(message).unwrap()
    }

    fn written(template: &FrameTemplate, keys: &mut Keys) -> Vec<u8> {
        let mut out = Vec::new();
        template.write(keys, &mut out);
        out
    }

    #[track_caller]
    fn check(domain: &str, key: &str, descriptors: usize, digits: usize) {
        let space = 10_u64.pow(u32::try_from(digits).unwrap());
        let mut numbers = Keys::new(space, 7);
        let (template, mut keys) =
            (FrameTemplate::new(domain, key, descriptors, digits), Keys::new(space, 7));
        for _ in 0..200 {
            let values: Vec<String> =
                (0..descriptors).map(|place| format!("{place}-{:0digits$}", numbers.next_key())).collect();
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            assert_eq!(decode(&written(&template, &mut keys)), request(domain, key, &values));
        }
    }

    #[test]
    fn frames_decode_to_the_same_request() {
        check("bench", "key", 1, 5);
        check("bench", "key", 4, 9);
        check("bench", "key", 12, 2);
        check("d", "k", 0, 1);
    }

    #[test]
    fn one_hot_key_is_one_counter_for_each_descriptor() {
        let template = FrameTemplate::new("bench", "key", 3, 1);
        assert_eq!(
            decode(&written(&template, &mut Keys::new(1, 7))),
            request("bench", "key", &["0-0", "1-0", "2-0"])
        );
    }

    #[test]
    fn lengths_that_take_more_than_a_byte_are_right() {
        check(&"d".repeat(300), &"k".repeat(20_000), 3, 6);
    }

    #[test]
    fn requests_go_behind_what_is_there() {
        let template = FrameTemplate::new("bench", "key", 2, 3);
        let mut out = b"head".to_vec();
        template.write(&mut Keys::new(1000, 1), &mut out);
        assert_eq!(out, [b"head", written(&template, &mut Keys::new(1000, 1)).as_slice()].concat());
        assert_eq!(out.len(), 4 + template.len());
    }
}
