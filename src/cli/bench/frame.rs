//! The requests, as bytes: a gRPC frame that is encoded once and afterwards only gets new keys.
//!
//! A message is a gRPC prefix of five bytes and a `RateLimitRequest` whose descriptors have one entry each.
//! A value is the descriptor's place and a key, as `0-0042`: every descriptor has a key space of its own, so no request
//! names a counter twice. Keys are written with the same number of digits, so that the lengths in the frame never change
//! and a request costs a copy and a few digits.

use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::encode_varint;

use super::keys::Keys;

/// Frames are cut from blocks of this size: one allocation for dozens of requests, yet little for thousands of streams.
const BLOCK_BYTES: usize = 4096;

/// A protobuf tag byte is the field's number times eight, plus 2 for what has a length.
const FIELD_1: u8 = 0x0a;
const FIELD_2: u8 = 0x12;

/// What every request has in common.
#[derive(Debug, Clone)]
pub struct FrameTemplate {
    bytes: Bytes,
    /// Where each descriptor's digits begin.
    holes: Vec<usize>,
    digits: usize,
}

/// Writes one stream's requests.
#[derive(Debug)]
pub struct FrameWriter {
    template: FrameTemplate,
    keys: Keys,
    block: BytesMut,
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
        Self { bytes: [prefix.as_slice(), &message].concat().into(), holes, digits }
    }
}

impl FrameWriter {
    /// A writer that takes its keys from `keys`, which must fit into the template's digits.
    #[must_use]
    pub fn new(template: FrameTemplate, keys: Keys) -> Self {
        Self { template, keys, block: BytesMut::new() }
    }

    /// The next request.
    pub fn next_frame(&mut self) -> Bytes {
        let len = self.template.bytes.len();
        if self.block.capacity() < len {
            self.block.reserve(len.max(BLOCK_BYTES));
        }
        self.block.extend_from_slice(&self.template.bytes);
        for &hole in &self.template.holes {
            write_digits(&mut self.block[hole..hole + self.template.digits], self.keys.next_key());
        }
        self.block.split().freeze()
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

    #[track_caller]
    fn check(domain: &str, key: &str, descriptors: usize, digits: usize) {
        let space = 10_u64.pow(u32::try_from(digits).unwrap());
        let mut numbers = Keys::new(space, 7);
        let mut writer =
            FrameWriter::new(FrameTemplate::new(domain, key, descriptors, digits), Keys::new(space, 7));
        for _ in 0..200 {
            let values: Vec<String> =
                (0..descriptors).map(|place| format!("{place}-{:0digits$}", numbers.next_key())).collect();
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            assert_eq!(decode(&writer.next_frame()), request(domain, key, &values));
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
        let mut writer = FrameWriter::new(FrameTemplate::new("bench", "key", 3, 1), Keys::new(1, 7));
        assert_eq!(decode(&writer.next_frame()), request("bench", "key", &["0-0", "1-0", "2-0"]));
    }

    #[test]
    fn lengths_that_take_more_than_a_byte_are_right() {
        check(&"d".repeat(300), &"k".repeat(20_000), 3, 6);
    }

    #[test]
    fn frames_that_were_handed_out_do_not_change() {
        let mut writer = FrameWriter::new(FrameTemplate::new("bench", "key", 1, 3), Keys::new(1000, 1));
        let frames: Vec<Bytes> = (0..500).map(|_| writer.next_frame()).collect();
        let copies: Vec<Vec<u8>> = {
            let mut again = FrameWriter::new(FrameTemplate::new("bench", "key", 1, 3), Keys::new(1000, 1));
            (0..500).map(|_| again.next_frame().to_vec()).collect()
        };
        assert_eq!(frames, copies);
    }
}
