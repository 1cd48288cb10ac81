//! The rate limit messages as proto3 JSON, for `POST /json`.
//!
//! Field names, types and enums come from the descriptors of our `.proto` files, so JSON cannot drift from
//! gRPC. The size of a body is the caller's to bound; how deep it may nest is bounded here.

mod fault;
mod format;
mod repeats;

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use ratekeeper_proto::{FILE_DESCRIPTOR_SET, RateLimitRequest, RateLimitResponse};

pub use fault::{EncodeFault, JsonFault};

static MESSAGES: LazyLock<Messages> = LazyLock::new(Messages::load);

/// What JSON is read into and written from.
struct Messages {
    request: MessageDescriptor,
    response: MessageDescriptor,
}

impl Messages {
    fn load() -> Self {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)
            .expect("the descriptors are a constant that the tests of ratekeeper-proto decode");
        let message = |name| {
            pool.get_message_by_name(name).expect("the name stands in rls.proto, which the descriptors hold")
        };
        Self {
            request: message("envoy.service.ratelimit.v3.RateLimitRequest"),
            response: message("envoy.service.ratelimit.v3.RateLimitResponse"),
        }
    }
}

/// Reads a request from its proto3 JSON form.
///
/// Numbers may be strings, enums names or numbers, and field names are taken as in JSON (`hitsAddend`) and as
/// in the `.proto` files (`hits_addend`). `null` means absent.
///
/// # Errors
///
/// What is not JSON, nests too deep (serde_json's limit of 128), is followed by more, names an unknown or the
/// same field twice, or holds a value that does not fit its field. The fault says where.
pub fn decode_request(body: &[u8]) -> Result<RateLimitRequest, JsonFault> {
    if body.is_empty() {
        return Err(JsonFault::start("the body is empty; send a RateLimitRequest as JSON"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let message = DynamicMessage::deserialize(MESSAGES.request.clone(), &mut deserializer)?;
    deserializer.end()?;
    repeats::refuse(body)?;
    message.transcode_to().map_err(|error| JsonFault::start(&error.to_string()))
}

/// Writes an answer in its proto3 JSON form: camelCase names, 64-bit integers as strings, enums as names, and
/// no field that has its default value.
///
/// # Errors
///
/// A number in the dynamic metadata that JSON cannot express (NaN, infinities), metadata that nests deeper
/// than a decoder of protobuf would follow (about 30 levels), or a duration beyond protobuf's range.
pub fn encode_response(response: &RateLimitResponse) -> Result<Vec<u8>, EncodeFault> {
    let mut message = DynamicMessage::new(MESSAGES.response.clone());
    message.transcode_from(response)?;
    let mut body = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut body, format::ShortNumbers);
    message.serialize_with_options(&mut serializer, &SerializeOptions::new())?;
    Ok(body)
}

#[cfg(test)]
mod tests;
