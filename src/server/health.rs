//! `grpc.health.v1` under the three names that callers ask for.

use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService as Checks};

/// The health service as one core serves it.
pub type HealthService = tonic_health::pb::health_server::HealthServer<Checks>;

/// The whole server, the name that upstream's users know, and the service's full name.
const NAMES: [&str; 3] = ["", "ratelimit", "envoy.service.ratelimit.v3.RateLimitService"];

/// What health checks are told. It says whether decisions can be made: losing a shared store does not change it.
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
}

impl Health {
    /// Not serving, under every name.
    pub async fn not_serving() -> Self {
        let health = Self { reporter: HealthReporter::new() };
        health.set(ServingStatus::NotServing).await;
        health
    }

    /// Tells whether decisions can be made.
    pub async fn set_serving(&self, serving: bool) {
        self.set(if serving { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
    }

    /// The service that answers checks.
    #[must_use]
    pub fn service(&self) -> HealthService {
        HealthService::new(Checks::from_health_reporter(self.reporter.clone()))
    }

    async fn set(&self, status: ServingStatus) {
        for name in NAMES {
            self.reporter.set_service_status(name, status).await;
        }
    }
}
