//! Calls that tonic answers: health, reflection, and whatever is not the usual form of a rate limit call.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Body;
use ratekeeper_proto::rate_limit_service_server::{RateLimitService, RateLimitServiceServer};
use ratekeeper_proto::{FILE_DESCRIPTOR_SET, RateLimitRequest, RateLimitResponse};
use tonic::Status;
use tonic::service::{Routes, RoutesBuilder};
use tower::{BoxError, ServiceExt};

use super::answer_body::AnswerBody;
use crate::server::caller::Caller;
use crate::server::health::HealthService;
use crate::server::responder::Responder;
use crate::service::Clock;
use crate::storage::CounterStore;

/// The rate limit service as tonic calls it.
#[derive(Debug)]
struct RateLimitGrpc<S, C> {
    responder: Arc<Responder<S, C>>,
}

/// All services of the gRPC port.
pub(super) fn routes<S: CounterStore, C: Clock>(
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
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(rate_limits)
        .add_service(health)
        .add_service(reflection().build_v1().expect(CONSTANT))
        .add_service(reflection().build_v1alpha().expect(CONSTANT));
    routes.routes().prepare()
}

const CONSTANT: &str = "the descriptors are constants that the tests of reflection read";

/// Has tonic answer a call.
pub(super) async fn answer<B>(routes: Routes, request: Request<B>) -> Response<AnswerBody>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let Ok(answer) = routes.oneshot(request).await;
    answer.map(AnswerBody::Tonic)
}

#[tonic::async_trait]
impl<S: CounterStore, C: Clock> RateLimitService for RateLimitGrpc<S, C> {
    async fn should_rate_limit(
        &self,
        request: tonic::Request<RateLimitRequest>,
    ) -> Result<tonic::Response<RateLimitResponse>, Status> {
        let (head, _, message) = request.into_parts();
        let headers = head.into_headers();
        match self.responder.respond(&message, &Caller::grpc(&headers)).await {
            Ok(answer) => Ok(tonic::Response::new(answer)),
            Err(unanswered) => Err(unanswered.into()),
        }
    }
}
