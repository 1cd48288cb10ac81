//! A constant answer, served as ratekeeper serves: what of a whole call is not ours.

use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::service::TowerToHyperService;
use ratekeeper::server::transport::{BindOptions, Http2Server, Http2Settings, ListenAddress, Listener};
use ratekeeper_proto::rate_limit_response::{Code, DescriptorStatus};
use ratekeeper_proto::rate_limit_service_server::{RateLimitService, RateLimitServiceServer};
use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tokio::signal::unix::{SignalKind, signal};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

#[derive(Debug, Clone)]
struct Constant(RateLimitResponse);

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

/// Serves until SIGTERM.
pub(crate) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut told_to_end = signal(SignalKind::terminate())?;
        let listener = Listener::bind(&ListenAddress::Tcp(address), &BindOptions::default())?;
        let server = Http2Server::start(vec![listener], &Http2Settings::default(), |_core| {
            TowerToHyperService::new(Routes::new(RateLimitServiceServer::new(constant())).prepare())
        })?;
        told_to_end.recv().await;
        server.drain(Duration::from_secs(5)).await;
        Ok(())
    })
}

fn constant() -> Constant {
    let status = DescriptorStatus { code: Code::Ok.into(), ..DescriptorStatus::default() };
    let (overall_code, statuses) = (Code::Ok.into(), vec![status]);
    Constant(RateLimitResponse { overall_code, statuses, ..RateLimitResponse::default() })
}
