//! TLS on the gRPC port as operators meet it: a mesh's Envoy, renewals under load, and clients who are not meant.

mod envoy;
mod refused;

use crate::harness::authority::{Issued, Mount};
use crate::harness::metrics::Metrics;
use crate::harness::{Authority, Ratekeeper, wait};

const RULES: &str = "{domain: mesh, descriptors: [\
    {key: generic_key, value: all, rate_limit: {unit: year, requests_per_unit: 100000000}}, \
    {key: generic_key, value: few, rate_limit: {unit: year, requests_per_unit: 5}}, \
    {key: k, rate_limit: {unit: year, requests_per_unit: 100}}]}";

/// The only client that is let in, and the server itself.
const GATEWAY: &str = "spiffe://cluster.local/ns/istio-system/sa/gateway";
const SERVER: &str = "spiffe://cluster.local/ns/default/sa/ratekeeper";

/// The names of a server's certificate.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", SERVER];

/// A server by TLS whose files are swapped as Kubernetes does it.
pub(crate) struct Secured {
    pub(crate) server: Ratekeeper,
    mount: Mount,
}

impl Secured {
    /// Starts one with the certificate that the authority gives it, and these lines of `grpc.tls` and other settings beside.
    pub(crate) async fn start(authority: &Authority, tls: &str, settings: &str) -> Self {
        let mount = Mount::new(&files(&authority.issue(&NAMES), &authority.pem()));
        let (certificate, key) = (mount.file("tls.crt"), mount.file("tls.key"));
        let tls = tls.replace("CA", &format!("{:?}", mount.file("ca.crt")));
        let tls = format!("grpc: {{tls: {{certificate: {certificate:?}, key: {key:?}, {tls}}}, {settings}}}");
        // Longer than Envoy's health checks take to notice, as an operator would choose it.
        let setup =
            Ratekeeper::setup().rules(RULES).settings(&tls).settings("drain: {pause: 1s, deadline: 10s}");
        Self { server: setup.start().await, mount }
    }

    /// One that only lets the gateway in.
    async fn listed(authority: &Authority) -> Self {
        Self::start(authority, &format!("client_ca: CA, allowed_names: [{GATEWAY:?}]"), "").await
    }

    /// Swaps all files, and waits until that has been noticed so many times.
    async fn swap(&mut self, issued: &Issued, ca: &str, result: &str, times: f64) {
        self.mount.swap(&files(issued, ca));
        let label = format!("result=\"{result}\"");
        wait::until("the new files to be read", || async {
            self.metrics().await.sum("ratekeeper_grpc_tls_reloads_total", &[&label]) >= times
        })
        .await;
    }

    async fn metrics(&self) -> Metrics {
        Metrics::read(self.server.listen.metrics).await
    }

    async fn failed(&self, reason: &str) -> f64 {
        let label = format!("reason=\"{reason}\"");
        self.metrics().await.sum("ratekeeper_grpc_tls_handshakes_failed_total", &[&label])
    }

    /// Waits until so many handshakes have failed for this reason.
    async fn until_failed(&self, reason: &str, times: f64) {
        wait::until(reason, || async { self.failed(reason).await >= times }).await;
        assert_eq!(self.failed(reason).await, times, "{reason}");
    }
}

fn files<'f>(issued: &'f Issued, ca: &'f str) -> [(&'static str, &'f str); 3] {
    [("tls.crt", &issued.certificate), ("tls.key", &issued.key), ("ca.crt", ca)]
}
