//! Sends bytes between our types and those that another project generated from Envoy's files.

use std::collections::HashMap;
use std::fmt::Debug;

use bytes::Bytes;
use envoy_types::pb::envoy as theirs;
use envoy_types::pb::google::protobuf::{Duration, Struct, UInt64Value, Value, value};
use prost::Message;
use ratekeeper_proto::rate_limit_descriptor::Entry;
use ratekeeper_proto::{RateLimitDescriptor, RateLimitRequest, RateLimitResponse, rate_limit_response};
use theirs::config::core::v3::HeaderValue;
use theirs::extensions::common::ratelimit::v3 as their_descriptor;
use theirs::service::ratelimit::v3 as their_service;

/// What they encode, we decode and encode again without losing a byte.
#[track_caller]
fn check_round_trip<Theirs, Ours>(message: &Theirs) -> Ours
where
    Theirs: Message + Default + PartialEq + Debug,
    Ours: Message + Default,
{
    let sent = message.encode_to_vec();
    let ours = Ours::decode(sent.as_slice()).unwrap();
    assert_eq!(ours.encode_to_vec(), sent);
    ours
}

#[test]
fn requests_with_every_field_set_survive() {
    let entry = |key: &str, value: &str| their_descriptor::rate_limit_descriptor::Entry {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let ours: RateLimitRequest = check_round_trip(&their_service::RateLimitRequest {
        domain: "edge".to_owned(),
        descriptors: vec![their_descriptor::RateLimitDescriptor {
            entries: vec![entry("path", "/"), entry("user", "müller")],
            limit: Some(their_descriptor::rate_limit_descriptor::RateLimitOverride {
                requests_per_unit: 7,
                unit: theirs::r#type::v3::RateLimitUnit::Hour.into(),
            }),
            hits_addend: Some(UInt64Value { value: u64::MAX }),
            is_negative_hits: true,
        }],
        hits_addend: u32::MAX,
    });
    assert_eq!((ours.domain.as_str(), ours.hits_addend), ("edge", u32::MAX));
    let descriptor = &ours.descriptors[0];
    assert_eq!(descriptor.entries[1].key, "user");
    assert_eq!(descriptor.entries[1].value, "müller");
    let limit = descriptor.limit.unwrap();
    assert_eq!((limit.requests_per_unit, limit.unit()), (7, ratekeeper_proto::RateLimitUnit::Hour));
    assert_eq!((descriptor.hits_addend, descriptor.is_negative_hits), (Some(u64::MAX), true));
}

#[test]
fn responses_with_every_field_set_survive() {
    let header = |value: &str, raw: &[u8]| HeaderValue {
        key: "ratelimit-limit".to_owned(),
        value: value.to_owned(),
        raw_value: raw.to_vec(),
    };
    let kind = Some(value::Kind::NumberValue(0.5));
    let ours: RateLimitResponse = check_round_trip(&their_service::RateLimitResponse {
        overall_code: their_service::rate_limit_response::Code::OverLimit.into(),
        statuses: vec![their_service::rate_limit_response::DescriptorStatus {
            code: their_service::rate_limit_response::Code::Ok.into(),
            current_limit: Some(their_service::rate_limit_response::RateLimit {
                name: "per user".to_owned(),
                requests_per_unit: 10,
                unit: their_service::rate_limit_response::rate_limit::Unit::Week.into(),
            }),
            limit_remaining: 3,
            duration_until_reset: Some(Duration { seconds: 59, nanos: 5 }),
            quota: None,
        }],
        response_headers_to_add: vec![header("10", b"")],
        request_headers_to_add: vec![header("", b"\xff")],
        raw_body: b"\xff\x00".to_vec(),
        dynamic_metadata: Some(Struct { fields: HashMap::from([("share".to_owned(), Value { kind })]) }),
        quota: None,
    });
    assert_eq!(ours.overall_code(), rate_limit_response::Code::OverLimit);
    let status = &ours.statuses[0];
    assert_eq!((status.code(), status.limit_remaining), (rate_limit_response::Code::Ok, 3));
    assert_eq!(status.current_limit.as_ref().unwrap().unit(), rate_limit_response::rate_limit::Unit::Week);
    assert_eq!(ours.response_headers_to_add[0].value, "10");
    assert_eq!(ours.request_headers_to_add[0].raw_value, b"\xff".as_slice());
    assert_eq!(ours.raw_body, b"\xff\x00".as_slice());
}

/// A client that is newer than we are may send fields that we do not know.
#[test]
fn unknown_fields_are_skipped() {
    let newer = their_service::RateLimitResponse {
        quota: Some(their_service::rate_limit_response::Quota { requests: 1, ..Default::default() }),
        ..Default::default()
    };
    let ours = RateLimitResponse::decode(newer.encode_to_vec().as_slice()).unwrap();
    assert_eq!(ours, RateLimitResponse::default());
}

#[test]
fn keys_and_values_need_not_be_utf8() {
    let entry = Entry { key: b"\xc3\x28".as_slice().into(), value: b"\xff\x00\xfe".as_slice().into() };
    let descriptor = RateLimitDescriptor { entries: vec![entry], ..Default::default() };
    let sent = descriptor.encode_to_vec();
    assert!(their_descriptor::RateLimitDescriptor::decode(sent.as_slice()).is_err(), "strings would fail");
    assert_eq!(RateLimitDescriptor::decode(sent.as_slice()).unwrap(), descriptor);
}

/// Keys and values are slices of the message that came, not copies.
#[test]
fn entries_share_the_memory_of_the_message() {
    let entry = Entry { key: "key".into(), value: "value".into() };
    let sent = Bytes::from(entry.encode_to_vec());
    let received = Entry::decode(sent.clone()).unwrap();
    assert!(sent.as_ptr_range().contains(&received.value.as_ptr()));
}

#[test]
fn a_look_is_told_from_absent_hits() {
    // Envoy sends a present number of 0 as an empty wrapper message: field 3, length 0.
    let look = RateLimitDescriptor::decode([0x1a, 0x00].as_slice()).unwrap();
    assert_eq!(look.hits_addend, Some(0));
    assert_eq!(look.encode_to_vec(), [0x1a, 0x00]);
    assert_eq!(RateLimitDescriptor::decode([].as_slice()).unwrap().hits_addend, None);
}
