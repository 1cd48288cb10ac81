//! Tables of good and bad JSON.

use std::collections::BTreeMap;

use prost::Message;
use ratekeeper_proto::prost_types::value::Kind;
use ratekeeper_proto::prost_types::{Duration, ListValue, Struct, Value};
use ratekeeper_proto::rate_limit_descriptor::{Entry, RateLimitOverride};
use ratekeeper_proto::rate_limit_response::rate_limit::Unit;
use ratekeeper_proto::rate_limit_response::{Code, DescriptorStatus, RateLimit};
use ratekeeper_proto::{HeaderValue, RateLimitDescriptor, RateLimitUnit};

use super::*;

#[track_caller]
fn check_request(json: &str, expected: &RateLimitRequest) {
    assert_eq!(decode_request(json.as_bytes()).as_ref(), Ok(expected), "{json}");
}

#[track_caller]
fn check_fault(json: &str, expected: &str) {
    let fault = decode_request(json.as_bytes()).unwrap_err();
    assert_eq!(fault.to_string(), expected, "{json}");
}

#[track_caller]
fn check_response(response: &RateLimitResponse, expected: &str) {
    let json = encode_response(response).unwrap();
    assert_eq!(String::from_utf8(json).unwrap(), expected);
}

fn one_descriptor(descriptor: RateLimitDescriptor) -> RateLimitRequest {
    RateLimitRequest { descriptors: vec![descriptor], ..Default::default() }
}

#[test]
fn every_field_is_read() {
    let json = r#"{
        "domain": "edge",
        "descriptors": [{
            "entries": [{"key": "path", "value": "/"}, {"key": "user", "value": "m\u00fcller\u0000"}],
            "limit": {"requestsPerUnit": 7, "unit": "HOUR"},
            "hitsAddend": "18446744073709551615",
            "isNegativeHits": true
        }],
        "hitsAddend": 4294967295
    }"#;
    let entry = |key: &'static str, value: &'static str| Entry { key: key.into(), value: value.into() };
    let descriptor = RateLimitDescriptor {
        entries: vec![entry("path", "/"), entry("user", "müller\0")],
        limit: Some(RateLimitOverride { requests_per_unit: 7, unit: RateLimitUnit::Hour.into() }),
        hits_addend: Some(u64::MAX),
        is_negative_hits: true,
    };
    let domain = "edge".to_owned();
    let expected = RateLimitRequest { domain, descriptors: vec![descriptor], hits_addend: u32::MAX };
    check_request(json, &expected);
}

#[test]
fn the_forms_that_proto3_json_allows_are_read() {
    let empty = RateLimitRequest::default();
    check_request("{}", &empty);
    check_request(" \n{ }\t ", &empty);
    check_request(r#"{"domain": null, "descriptors": null, "hitsAddend": null}"#, &empty);
    let three = RateLimitRequest { hits_addend: 3, ..Default::default() };
    for form in ["3", "3.0", "0.3e1", "\"3\""] {
        check_request(&format!(r#"{{"hitsAddend": {form}}}"#), &three);
        check_request(&format!(r#"{{"hits_addend": {form}}}"#), &three);
    }
    let limit = |unit| {
        let limit = Some(RateLimitOverride { requests_per_unit: 0, unit });
        one_descriptor(RateLimitDescriptor { limit, ..Default::default() })
    };
    check_request(r#"{"descriptors": [{"limit": {"unit": "DAY"}}]}"#, &limit(4));
    check_request(r#"{"descriptors": [{"limit": {"unit": 4}}]}"#, &limit(4));
    // A number that no one knows is refused where overrides are checked, for gRPC and JSON alike.
    check_request(r#"{"descriptors": [{"limit": {"unit": 99}}]}"#, &limit(99));
}

#[test]
fn a_look_is_told_from_absent_hits() {
    let hits = |hits_addend| one_descriptor(RateLimitDescriptor { hits_addend, ..Default::default() });
    check_request(r#"{"descriptors": [{"hitsAddend": 0}]}"#, &hits(Some(0)));
    check_request(r#"{"descriptors": [{"hitsAddend": "0"}]}"#, &hits(Some(0)));
    check_request(r#"{"descriptors": [{"hitsAddend": null}]}"#, &hits(None));
    check_request(r#"{"descriptors": [{}]}"#, &hits(None));
}

#[test]
fn what_is_not_json_is_refused() {
    check_fault("", "line 1, column 1: the body is empty; send a RateLimitRequest as JSON");
    check_fault("\n{\"domain\": \"a\",\n", "line 3, column 1: EOF while parsing a value");
    check_fault("domain=a", "line 1, column 1: expected value");
    check_fault("{\"domain\": \"a\"}\n x", "line 2, column 2: trailing characters");
    check_fault("{}{}", "line 1, column 3: trailing characters");
    check_fault("{\"domain\": \"a\",}", "line 1, column 16: trailing comma");
    check_fault("{domain: 1}", "line 1, column 2: key must be a string");
    check_fault(r#"{"domain": "\ud800"}"#, "line 1, column 19: unexpected end of hex escape");
    let fault = decode_request(b"{\"domain\": \"\xff\"}").unwrap_err();
    assert_eq!(fault.to_string(), "line 1, column 13: invalid unicode code point");
}

#[test]
fn what_is_no_request_is_refused() {
    check_fault("[]", "line 1, column 1: invalid type: sequence, expected a map");
    check_fault("null", "line 1, column 4: invalid type: null, expected a map");
    check_fault("{\"domain\":\n 1}", "line 2, column 2: invalid type: integer `1`, expected a string");
    check_fault(r#"{"domian": "a"}"#, "line 1, column 9: unrecognized field name 'domian'");
    check_fault(
        "{\"descriptors\":\n[{\"entries\": [{\"k\": 1}]}]}",
        "line 2, column 18: unrecognized field name 'k'",
    );
    check_fault(r#"{"descriptors": {}}"#, "line 1, column 18: invalid type: map, expected a list");
    check_fault(r#"{"descriptors": [null]}"#, "line 1, column 21: invalid type: null, expected a map");
    check_fault(
        r#"{"descriptors": [{"limit": {"unit": "FORTNIGHT"}}]}"#,
        "line 1, column 47: unrecognized enum value 'FORTNIGHT'",
    );
    let out_of_range = "out of range integral type conversion attempted";
    check_fault(r#"{"hitsAddend": -1}"#, &format!("line 1, column 17: {out_of_range}"));
    check_fault(r#"{"hitsAddend": 4294967296}"#, &format!("line 1, column 25: {out_of_range}"));
    check_fault(r#"{"hitsAddend": 1.5}"#, "line 1, column 18: expected integer value");
    check_fault(r#"{"hitsAddend": "many"}"#, "line 1, column 21: invalid digit found in string");
    check_fault(
        r#"{"descriptors": [{"hitsAddend": "18446744073709551616"}]}"#,
        "line 1, column 54: number too large to fit in target type",
    );
}

#[test]
fn a_field_given_twice_is_refused() {
    check_fault(r#"{"domain": "a", "domain": "b"}"#, "line 1, column 24: field 'domain' is given twice");
    check_fault(
        r#"{"hitsAddend": 1, "hits_addend": 2}"#,
        "line 1, column 31: field 'hits_addend' is given twice",
    );
    check_fault(
        "{\"descriptors\": [{\"entries\": [{\"key\": \"a\",\n\"key\": null}]}]}",
        "line 2, column 5: field 'key' is given twice",
    );
    // Siblings and nested objects may of course repeat each other's names.
    let twice = RateLimitRequest { descriptors: vec![<_>::default(); 2], ..Default::default() };
    let json = r#"{"descriptors": [{"hitsAddend": null}, {"hitsAddend": null}], "hitsAddend": 0}"#;
    check_request(json, &twice);
}

#[test]
fn no_depth_overflows_the_stack() {
    for open in ["[", "{\"descriptors\":", "{\"descriptors\":[", "{\"x\":"] {
        decode_request(open.repeat(1_000_000).as_bytes()).unwrap_err();
    }
}

#[test]
fn a_fault_is_short_and_stays_on_its_line() {
    let fault = decode_request(format!("{{\"x\\n{}\": 1}}", "y".repeat(1_000_000)).as_bytes()).unwrap_err();
    assert!(fault.what.starts_with("unrecognized field name 'x\u{fffd}yyy"), "{fault}");
    assert_eq!(fault.what.chars().count(), 201);
}

#[test]
fn every_field_is_written() {
    let status = DescriptorStatus {
        code: Code::Ok.into(),
        current_limit: Some(RateLimit {
            name: "per \"user\"".to_owned(),
            requests_per_unit: 10,
            unit: Unit::Week.into(),
        }),
        limit_remaining: 3,
        duration_until_reset: Some(Duration { seconds: 59, nanos: 500_000_000 }),
    };
    let header = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        value: value.to_owned(),
        raw_value: b"".as_slice().into(),
    };
    let response = RateLimitResponse {
        overall_code: Code::OverLimit.into(),
        statuses: vec![status],
        response_headers_to_add: vec![header("ratelimit-limit", "10")],
        request_headers_to_add: vec![header("x", "y")],
        raw_body: b"\xff\x00".as_slice().into(),
        dynamic_metadata: Some(metadata([("domain", Kind::StringValue("edge".to_owned()))])),
    };
    let expected = concat!(
        r#"{"overallCode":"OVER_LIMIT","#,
        r#""statuses":[{"code":"OK","#,
        r#""currentLimit":{"requestsPerUnit":10,"unit":"WEEK","name":"per \"user\""},"#,
        r#""limitRemaining":3,"durationUntilReset":"59.500s"}],"#,
        r#""responseHeadersToAdd":[{"key":"ratelimit-limit","value":"10"}],"#,
        r#""requestHeadersToAdd":[{"key":"x","value":"y"}],"#,
        r#""rawBody":"/wA=","dynamicMetadata":{"domain":"edge"}}"#,
    );
    check_response(&response, expected);
}

#[test]
fn defaults_are_not_written() {
    check_response(&RateLimitResponse::default(), "{}");
    let response = RateLimitResponse {
        overall_code: Code::Ok.into(),
        statuses: vec![DescriptorStatus::default(), DescriptorStatus { code: 9, ..Default::default() }],
        ..Default::default()
    };
    check_response(&response, r#"{"overallCode":"OK","statuses":[{},{"code":9}]}"#);
}

#[test]
fn numbers_of_metadata_are_written_short() {
    let numbers = [0.0, -3.0, 4_294_967_295.0, 0.25, 1e15, 1e16, f64::MAX, -0.0, 1e-7];
    let values = numbers.map(|number| Value { kind: Some(Kind::NumberValue(number)) }).to_vec();
    let response = with_metadata(Kind::ListValue(ListValue { values }));
    let expected = "[0,-3,4294967295,0.25,1000000000000000,1e+16,1.7976931348623157e+308,-0,1e-7]";
    check_response(&response, &format!(r#"{{"dynamicMetadata":{{"x":{expected}}}}}"#));
}

#[test]
fn what_json_cannot_express_is_an_error() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        encode_response(&with_metadata(Kind::NumberValue(number))).unwrap_err();
    }
    let duration_until_reset = Some(Duration { seconds: i64::MAX, nanos: 0 });
    let status = DescriptorStatus { duration_until_reset, ..Default::default() };
    encode_response(&RateLimitResponse { statuses: vec![status], ..Default::default() }).unwrap_err();
}

#[test]
fn deep_metadata_is_written_or_refused() {
    let nested =
        |depth| (0..depth).fold(Kind::BoolValue(true), |kind, _| Kind::StructValue(metadata([("x", kind)])));
    encode_response(&with_metadata(nested(30))).unwrap();
    encode_response(&with_metadata(nested(40))).unwrap_err();
    encode_response(&with_metadata(nested(1000))).unwrap_err();
}

/// The descriptors that JSON goes by say string where the Rust types say bytes; both must stay one message.
#[test]
fn json_and_grpc_give_the_same_request() {
    let json = r#"{"domain": "d", "descriptors": [{"entries": [{"key": "k", "value": "v"}]}]}"#;
    let request = decode_request(json.as_bytes()).unwrap();
    assert_eq!(RateLimitRequest::decode(request.encode_to_vec().as_slice()).unwrap(), request);
}

fn metadata<const N: usize>(fields: [(&str, Kind); N]) -> Struct {
    let fields = fields.map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) }));
    Struct { fields: BTreeMap::from(fields) }
}

fn with_metadata(kind: Kind) -> RateLimitResponse {
    RateLimitResponse { dynamic_metadata: Some(metadata([("x", kind)])), ..Default::default() }
}
