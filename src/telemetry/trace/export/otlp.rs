//! The exporter: OTLP over gRPC or HTTP, and what the spans say they come from.
//!
//! `OTEL_EXPORTER_OTLP_HEADERS` is read here, by the exporter, and nowhere else: headers hold secrets, which are shown nowhere
//! because nobody else has them.

use std::path::PathBuf;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SpanExporter as _;

use super::{ExportError, ExportSettings, tls};

/// What a collector understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP, in protobuf.
    Http,
}

/// Who takes spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// What it understands.
    pub protocol: Protocol,
    /// Its URL. Over HTTP a path means itself; without one, OTLP's own is taken.
    pub endpoint: String,
    /// The CA that vouches for it, in a PEM file; none: those that this system trusts.
    pub ca: Option<PathBuf>,
    /// How long one export may take, with all that is tried again.
    pub timeout: Duration,
}

/// Where collectors take spans over HTTP.
const HTTP_PATH: &str = "/v1/traces";

/// An exporter for this collector; must be called within the runtime that it is to work on.
pub(super) fn exporter(settings: &ExportSettings) -> Result<SpanExporter, ExportError> {
    let Collector { protocol, endpoint, timeout, .. } = &settings.collector;
    let built = match protocol {
        Protocol::Grpc => {
            let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(*timeout);
            match tls::of_grpc(&settings.collector)? {
                None => builder.build(),
                Some(tls) => builder.with_tls_config(tls).build(),
            }
        }
        Protocol::Http => SpanExporter::builder()
            .with_http()
            .with_http_client(HyperClient::new(tls::of_http(&settings.collector)?, *timeout, None))
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(http_url(endpoint))
            .with_timeout(*timeout)
            .build(),
    };
    let mut exporter =
        built.map_err(|source| ExportError::Collector { endpoint: endpoint.clone(), source })?;
    exporter.set_resource(&resource(settings));
    Ok(exporter)
}

fn http_url(endpoint: &str) -> String {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    match host.split_once('/') {
        None => format!("{endpoint}{HTTP_PATH}"),
        Some((_, "")) => format!("{}{HTTP_PATH}", endpoint.trim_end_matches('/')),
        Some(_) => endpoint.to_owned(),
    }
}

/// What spans come from: what `OTEL_RESOURCE_ATTRIBUTES` says, and above it the service's name by its settings.
fn resource(settings: &ExportSettings) -> Resource {
    Resource::builder_empty()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(settings.service_name.clone())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_gets_the_usual_one() {
        for (given, used) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://collector/otlp/v1/traces", "https://collector/otlp/v1/traces"),
            ("http://collector/custom", "http://collector/custom"),
        ] {
            assert_eq!(http_url(given), used);
        }
    }
}
