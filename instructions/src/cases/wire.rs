//! Between the wire and the domain: reading a message, writing an answer, and everything from bytes to bytes.

use std::hint::black_box;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use prost::Message;
use ratekeeper::server::answer::AnswerSettings;
use ratekeeper::server::caller::Caller;
use ratekeeper::server::question::{self, RequestLimits};
use ratekeeper::server::responder::Responder;
use ratekeeper_proto::rate_limit_descriptor::Entry;
use ratekeeper_proto::{RateLimitDescriptor, RateLimitRequest};

use super::deciding::{limiter, now_or_never};
use super::matching::DOMAIN;
use super::{Case, Make};

const LIMITS: RequestLimits =
    RequestLimits { max_descriptors: 1_024, max_entries: 64, max_hits: 1_000_000_000 };

pub(super) const CASES: &[Make] = &[|| read(1), || read(4), || answer(1), || answer(4)];

/// From bytes to the domain's request.
fn read(descriptors: usize) -> Case {
    let bytes = encoded(descriptors);
    Case::new(format!("read {descriptors} descriptors from the wire"), 100, move || {
        let message = RateLimitRequest::decode(black_box(bytes.clone())).expect("it was encoded here");
        assert!(question::read(&message, &LIMITS).is_ok());
    })
}

/// From bytes to bytes: read, decided with the local store, written.
fn answer(descriptors: usize) -> Case {
    let responder = Responder::new(limiter(), LIMITS, AnswerSettings::default(), Arc::default(), None);
    let (bytes, mut room) = (encoded(descriptors), BytesMut::with_capacity(4_096));
    let headers = HeaderMap::new();
    Case::new(format!("answer {descriptors} descriptors, wire to wire"), 500, move || {
        let message = RateLimitRequest::decode(black_box(bytes.clone())).expect("it was encoded here");
        let answer = now_or_never(responder.respond(&message, &Caller::grpc(&headers)));
        let Some(Ok(answer)) = answer else {
            unreachable!("the request is well-formed and rules are loaded")
        };
        room.clear();
        answer.encode(&mut room).expect("there is room");
    })
}

fn encoded(descriptors: usize) -> Bytes {
    let descriptor = |key: &'static str| RateLimitDescriptor {
        entries: vec![Entry { key: key.into(), value: "10.20.30.40".into() }],
        ..RateLimitDescriptor::default()
    };
    let descriptors =
        ["remote_address", "path", "user", "tenant"].into_iter().take(descriptors).map(descriptor);
    let message = RateLimitRequest {
        domain: DOMAIN.into(),
        descriptors: descriptors.collect(),
        ..RateLimitRequest::default()
    };
    message.encode_to_vec().into()
}
