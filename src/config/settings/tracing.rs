//! `tracing`: which requests are recorded for OpenTelemetry, and where their spans go.
//!
//! What is not written here may be said by the variables that OpenTelemetry has for it; `standard` holds what only those can
//! say.

use serde::Serialize;

use super::otel::StandardTracing;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};

/// Which requests are recorded, and where their spans go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tracing {
    /// What the collector understands.
    pub protocol: TracingProtocol,
    /// The collector's URL; empty: nothing is recorded.
    pub endpoint: String,
    /// The part of those requests whose caller did not decide that is recorded.
    pub sample_ratio: f64,
    /// Whether spans carry the values of descriptors.
    pub record_values: bool,
    /// What spans say they come from.
    pub service_name: String,
    /// What has no setting here.
    #[serde(skip)]
    pub standard: StandardTracing,
}

/// What a collector understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TracingProtocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP, in protobuf.
    Http,
}

impl Default for Tracing {
    fn default() -> Self {
        Self {
            protocol: TracingProtocol::Grpc,
            endpoint: String::new(),
            sample_ratio: 0.01,
            record_values: false,
            service_name: "ratekeeper".into(),
            standard: StandardTracing::default(),
        }
    }
}

impl Section for Tracing {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        let protocols = [("grpc", TracingProtocol::Grpc), ("http", TracingProtocol::Http)];
        match field.name {
            "protocol" => put(&mut self.protocol, decoder.choice(field, &protocols)),
            "endpoint" => put(&mut self.endpoint, endpoint(decoder, field)),
            "sample_ratio" => put(&mut self.sample_ratio, decoder.ratio(field)),
            "record_values" => put(&mut self.record_values, decoder.truth(field)),
            "service_name" => put(&mut self.service_name, decoder.text(field)),
            _ => Known::No,
        }
    }
}

/// An empty one leaves what the standard variables say, so that a file with all defaults turns nothing off.
fn endpoint(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<String> {
    let Some(text) = decoder.text(field)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    match endpoint_fault(&text) {
        None => Ok(Some(text)),
        Some(fault) => {
            let help =
                "write a URL such as `http://collector:4317`; credentials go into OTEL_EXPORTER_OTLP_HEADERS";
            Err(decoder.refuse(field, format!("`endpoint` {fault}"), help))
        }
    }
}

/// Why this cannot be a collector's URL. It is not shown, as it may hold a secret that has no place there.
pub(super) fn endpoint_fault(url: &str) -> Option<&'static str> {
    let known = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = known else { return Some("must begin with `http://` or `https://`") };
    let authority = rest.split('/').next().unwrap_or_default();
    if rest.contains('@') {
        return Some("must not hold a user or a password");
    }
    let host_and_port = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if authority.is_empty() || authority.starts_with(':') || !authority.bytes().all(host_and_port) {
        return Some("must name a host");
    }
    let printable = rest.bytes().all(|byte| byte.is_ascii_graphic());
    (!printable).then_some("must be a URL, without blanks")
}
