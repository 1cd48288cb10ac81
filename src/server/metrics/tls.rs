//! What the gRPC port's TLS shows; nothing of this is there without TLS.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::server::transport::tls::stats::TlsStats;
use crate::telemetry::samples::Described;

const EXPIRY: Described = Described {
    name: "grpc_tls_certificate_expiry_timestamp_seconds",
    help: "When the certificate in force expires, in seconds since 1970; those between it and its CA do not count",
};

const STALE: Described = Described {
    name: "grpc_tls_stale",
    help: "1 while the certificates in force are not what the files hold, because those cannot be used",
};

const RELOADS: Described =
    Described { name: "grpc_tls_reloads", help: "Times that changed files of grpc.tls were read, by result" };

const FAILED: Described =
    Described { name: "grpc_tls_handshakes_failed", help: "TLS handshakes that failed, by reason" };

/// Shows it when somebody asks.
#[derive(Debug)]
pub struct TlsMetrics(pub Arc<TlsStats>);

impl Collector for TlsMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(stats) = self;
        EXPIRY.gauge(&mut encoder, seconds(stats.expiry()))?;
        STALE.gauge(&mut encoder, f64::from(u8::from(stats.is_stale())))?;
        let reloads = [("ok", stats.reloads.get()), ("error", stats.failed_reloads.get())];
        RELOADS.counters(&mut encoder, "result", reloads)?;
        FAILED.counters(&mut encoder, "reason", stats.failed())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the years of certificates have four digits: far below 2^53 seconds"
)]
fn seconds(time: u64) -> f64 {
    time as f64
}
