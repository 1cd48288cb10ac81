//! `envoy.service.ratelimit.v3.RateLimitService` over tonic.

mod whole;

use std::sync::Arc;

use ratekeeper_proto::rate_limit_service_server::{RateLimitService, RateLimitServiceServer};
use ratekeeper_proto::{FILE_DESCRIPTOR_SET, RateLimitRequest, RateLimitResponse};
use tonic::body::Body;
use tonic::service::{LayerExt, Routes, RoutesBuilder};
use tonic::{Request, Response, Status};
use tower::util::MapRequestLayer;

use self::whole::Whole;
use crate::server::deadline::patience;
use crate::server::health::HealthService;
use crate::server::responder::Responder;
use crate::server::unanswered::Unanswered;
use crate::service::Clock;
use crate::storage::CounterStore;

/// The rate limit service of one core.
#[derive(Debug)]
struct RateLimitGrpc<S, C> {
    responder: Arc<Responder<S, C>>,
}

/// The services of the gRPC port: rate limits, health, and reflection in both of its versions.
pub fn routes<S: CounterStore, C: Clock>(
    responder: Arc<Responder<S, C>>,
    health: HealthService,
    max_request_bytes: usize,
) -> Routes {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let rate_limits =
        RateLimitServiceServer::new(RateLimitGrpc { responder }).max_decoding_message_size(max_request_bytes);
    let whole = MapRequestLayer::new(move |request: http::Request<Body>| {
        request.map(|body| Whole::new(body, max_request_bytes))
    });
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(whole.named_layer(rate_limits))
        .add_service(health)
        .add_service(reflection().build_v1().expect(CONSTANT))
        .add_service(reflection().build_v1alpha().expect(CONSTANT));
    routes.routes().prepare()
}

const CONSTANT: &str = "the descriptors are constants that the tests of reflection read";

#[tonic::async_trait]
impl<S: CounterStore, C: Clock> RateLimitService for RateLimitGrpc<S, C> {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        match self.responder.respond(request.get_ref(), patience(request.metadata())).await {
            Ok(answer) => Ok(Response::new(answer)),
            Err(unanswered) => {
                tracing::debug!(request_id = request_id(&request), reason = %unanswered, "a request was not answered");
                Err(status(unanswered))
            }
        }
    }
}

/// The one place where an error of ours becomes a gRPC status.
fn status(unanswered: Unanswered) -> Status {
    match unanswered {
        Unanswered::Refused(refusal) => Status::invalid_argument(refusal.to_string()),
        Unanswered::NoRules(no_rules) => Status::unavailable(no_rules.to_string()),
    }
}

/// The id that the proxy gave the request, where it sends one along.
fn request_id(request: &Request<RateLimitRequest>) -> &str {
    request.metadata().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("-")
}
