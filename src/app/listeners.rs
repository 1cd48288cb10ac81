//! The four listeners: bound first, then served, then drained.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::app::lifecycle::Tasks;
use crate::app::metrics::{self, Ports};
use crate::app::{Parts, settings};
use crate::config::settings::Settings;
use crate::secrets::watched::watch;
use crate::server::grpc::GrpcService;
use crate::server::http::{admin, decide, probes, scrape};
use crate::server::transport::{
    BindOptions, ConnectionStats, DrainOutcome, Http1Server, Http1Settings, Http2Server, ListenAddress,
    Listener, Tls,
};
use crate::telemetry::exposition::Exposition;

/// Sockets that are bound and not served yet.
pub(super) struct Bound {
    grpc: Listener,
    /// How connections to it are made secret, where they are.
    tls: Option<Tls>,
    http: Listener,
    metrics: Listener,
    admin: Listener,
}

/// Servers that run.
pub(super) struct Running {
    grpc: Http2Server,
    http: Http1Server,
    metrics: Http1Server,
    admin: Http1Server,
    exposition: Arc<Exposition>,
}

impl Bound {
    pub(super) async fn bind(settings: &Settings) -> anyhow::Result<Self> {
        let options = BindOptions { unix_mode: settings.listen.unix_mode.bits(), ..BindOptions::default() };
        let bind = |name: &str, address: &ListenAddress| {
            Listener::bind(address, &options).with_context(|| format!("listen.{name} cannot be bound"))
        };
        let addresses = settings::addresses(settings).await?;
        let tls = match settings::grpc_tls(settings) {
            Some(tls) => Some(Tls::load(tls).await.context("the gRPC port cannot have TLS")?),
            None => None,
        };
        Ok(Self {
            grpc: bind("grpc", &addresses.grpc)?,
            tls,
            http: bind("http", &addresses.http)?,
            metrics: bind("metrics", &addresses.metrics)?,
            admin: bind("admin", &addresses.admin)?,
        })
    }

    /// Starts what follows the files that the listeners are made of.
    pub(super) fn keep(&self, tasks: &mut Tasks) {
        if let Some(tls) = &self.tls {
            tasks.start("grpc certificates", watch(vec![tls.watched()]));
        }
    }

    pub(super) fn serve(self, settings: &Settings, parts: &Parts) -> anyhow::Result<Running> {
        let health = parts.health.service();
        let max_request_bytes = settings.grpc.max_request_bytes as usize;
        let open = parts.responders(settings);
        let here = open();
        let (http2, tls) = (settings::http2(settings), self.tls.clone());
        let grpc = Http2Server::start_with(vec![self.grpc], tls, &http2, move |_core| {
            GrpcService::new(open(), health.clone(), max_request_bytes)
        })?;
        // Made before the servers, one of which shows them.
        let stats: [Arc<ConnectionStats>; 3] = std::array::from_fn(|_| Arc::default());
        let pages = ["http", "metrics", "admin"].into_iter().zip(stats.clone()).collect();
        let ports = Ports { grpc: grpc.stats(), tls: self.tls.as_ref(), pages };
        let exposition = Arc::new(metrics::exposition(parts, ports));
        let [http, metrics, admin] = stats;
        let pages = Http1Settings::default();
        let public = decide::router(here).merge(probes::router(Arc::clone(&parts.status)));
        let running = Running {
            grpc,
            http: Http1Server::start(self.http, &pages, http, public),
            metrics: Http1Server::start(
                self.metrics,
                &pages,
                metrics,
                scrape::router(Arc::clone(&exposition)),
            ),
            admin: Http1Server::start(
                self.admin,
                &pages,
                admin,
                admin::router(parts.admin_pages(settings, Arc::clone(&exposition))),
            ),
            exposition,
        };
        running.tell();
        Ok(running)
    }
}

impl Running {
    /// Every metric.
    pub(super) fn exposition(&self) -> &Arc<Exposition> {
        &self.exposition
    }

    fn tell(&self) {
        let grpc: Vec<_> = self.grpc.addresses().iter().map(ToString::to_string).collect();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            grpc = grpc.join(","),
            http = %self.http.address(),
            metrics = %self.metrics.address(),
            admin = %self.admin.address(),
            "listening"
        );
    }

    /// Ends decisions first; probes, metrics and admin answer until they have ended.
    pub(super) async fn drain(self, deadline: Duration) {
        let (grpc, http) = tokio::join!(self.grpc.drain(deadline), self.http.drain(deadline));
        tell_drained("grpc", &grpc);
        tell_drained("http", &http);
        let pages = Duration::from_millis(500);
        tokio::join!(self.metrics.drain(pages), self.admin.drain(pages));
    }
}

fn tell_drained(listener: &str, outcome: &DrainOutcome) {
    let DrainOutcome { finished, cut } = outcome;
    if *cut > 0 {
        tracing::warn!(listener, finished, cut, "drained; connections were cut at drain.deadline");
    } else {
        tracing::info!(listener, finished, "drained");
    }
}
