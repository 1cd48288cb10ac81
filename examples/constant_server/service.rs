//! A rate limit service that answers a constant: what of a whole call is not ours. `instructions/` counts with it, too.

use hyper_util::service::TowerToHyperService;
use ratekeeper_proto::rate_limit_response::{Code, DescriptorStatus};
use ratekeeper_proto::rate_limit_service_server::{RateLimitService, RateLimitServiceServer};
use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// Answers what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Constant(RateLimitResponse);

#[tonic::async_trait]
impl RateLimitService for Constant {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        // Decoded and dropped, as a service would do at least.
        std::hint::black_box(request.into_inner());
        Ok(Response::new(self.0.clone()))
    }
}

/// The service for tonic's own server: OK to everything.
pub(crate) fn on_tonic() -> RateLimitServiceServer<Constant> {
    let status = DescriptorStatus { code: Code::Ok.into(), ..DescriptorStatus::default() };
    let (overall_code, statuses) = (Code::Ok.into(), vec![status]);
    let answer = RateLimitResponse { overall_code, statuses, ..RateLimitResponse::default() };
    RateLimitServiceServer::new(Constant(answer))
}

/// The same for ratekeeper's transport.
pub(crate) fn on_http2() -> TowerToHyperService<Routes> {
    TowerToHyperService::new(Routes::new(on_tonic()).prepare())
}
