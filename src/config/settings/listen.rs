//! `listen`: the addresses of the four servers.

use serde::Serialize;

use super::address::Address;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field};

/// What the server listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// Decisions over gRPC, gRPC health and reflection.
    pub grpc: Address,
    /// Decisions as JSON, and the health checks.
    pub http: Address,
    /// Metrics for Prometheus.
    pub metrics: Address,
    /// Rules, counters and settings to look at; it shows what operators write, so only this machine sees it by default.
    pub admin: Address,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            grpc: Address::tcp("0.0.0.0", 8081),
            http: Address::tcp("0.0.0.0", 8080),
            metrics: Address::tcp("0.0.0.0", 9090),
            admin: Address::tcp("127.0.0.1", 6070),
        }
    }
}

impl Section for Listen {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "grpc" => put(&mut self.grpc, decoder.address(field)),
            "http" => put(&mut self.http, decoder.address(field)),
            "metrics" => put(&mut self.metrics, decoder.address(field)),
            "admin" => put(&mut self.admin, decoder.address(field)),
            _ => Known::No,
        }
    }
}
