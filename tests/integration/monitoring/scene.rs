//! Three servers to look at: one counts in a ring of Redises, of which one is lost, another by itself with rules that have faults,
//! and one by TLS, of which nobody asks anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::harness::ask::nothing;
use crate::harness::metrics::Metrics;
use crate::harness::{Authority, Prometheus, Ratekeeper, Redis, Wire, ask, wait};
use crate::tls::Secured;

/// A limit that is used up at once, one that is never, one that is near for long, one in shadow mode, and none.
const RULES: &str = "
domain: mesh
descriptors:
  - {key: wide, rate_limit: {unit: year, requests_per_unit: 1000000}}
  - {key: over, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: near, rate_limit: {unit: year, requests_per_unit: 1000000}}
  - {key: shadow, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: free, rate_limit: {unlimited: true}}
";

/// Everything that runs.
pub(super) struct Scene {
    pub(super) prometheus: Prometheus,
    pub(super) shared: Ratekeeper,
    pub(super) alone: Ratekeeper,
    pub(super) secure: Secured,
    stop: Arc<AtomicBool>,
    traffic: Vec<JoinHandle<()>>,
    _redis: (Redis, Redis),
    wire: Wire,
}

impl Scene {
    /// Starts everything, and goes on asking.
    pub(super) async fn start() -> Self {
        let redis = (Redis::start().await, Redis::start().await);
        let wire = Wire::to(redis.0.address);
        let urls = [wire.url(), redis.1.url()];
        let settings = format!("store: redis\nredis: {{topology: ring, urls: {urls:?}, timeout: 250ms}}");
        let shared = Ratekeeper::setup().rules(RULES).settings(&settings).start().await;
        let alone = Ratekeeper::with_rules(RULES).await;
        let secure = Secured::start(&Authority::new(), "", "").await;
        let servers = [&shared, &alone, &secure.server].map(|server| server.listen.metrics);
        let prometheus = Prometheus::start(&servers).await;
        let stop = Arc::new(AtomicBool::new(false));
        let traffic =
            [&shared, &alone].map(|server| tokio::spawn(ask_on(server.client(), Arc::clone(&stop))));
        Self { prometheus, shared, alone, secure, stop, traffic: traffic.into(), _redis: redis, wire }
    }

    /// Takes one server of the ring away, and gives the other replica a rule file with a fault.
    pub(super) async fn spoil(&self) {
        self.wire.refuse().await;
        self.alone.write_rules("rules-0.yaml", "domain: mesh\ndescriptors: [{kye: k}]\n");
        wait::until("both to be noticed", || async {
            let shared = Metrics::read(self.shared.listen.metrics).await;
            let alone = Metrics::read(self.alone.listen.metrics).await;
            shared.sum("ratekeeper_breaker_open", &[]) > 0.0 && alone.sum("ratekeeper_rules_stale", &[]) > 0.0
        })
        .await;
    }

    /// Ends the traffic.
    pub(super) async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.traffic {
            task.await.unwrap();
        }
    }
}

type Client = ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient<tonic::transport::Channel>;

/// Asks for something of every kind, ten times a second, with a deadline as Envoy brings one.
async fn ask_on(mut client: Client, stop: Arc<AtomicBool>) {
    // Passes the near-limit ratio of its limit.
    client.should_rate_limit(ask("near=v").own_hits(900_000).request()).await.unwrap();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        // Many values, so that each server of a ring has some of either.
        let values = |key: &str| {
            (0..8).fold(nothing(), |ask, at| ask.also(&format!("{key}=v{}", (round % 4) * 8 + at)))
        };
        for question in
            [values("wide"), values("over"), ask("near=v"), ask("shadow=v"), ask("free=v"), ask("none=v")]
        {
            let mut request = tonic::Request::new(question.request());
            request.set_timeout(Duration::from_secs(5));
            client.should_rate_limit(request).await.unwrap();
        }
        client.should_rate_limit(nothing().request()).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
