//! `grpc`: connections and messages of the gRPC server.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::grpc_tls::GrpcTls;
use super::quantity::{serialize_duration, serialize_size};
use super::section::{Known, Section, put, read_section};
use crate::config::decode::{Decoder, Field};

/// What waits within one exchange may take.
const SHORT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(5);

/// What may pass in the life of a connection.
const LONG: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_hours(168);

/// Streams of a connection, and connections.
const COUNT: RangeInclusive<u32> = 1..=1_000_000;

/// A message, from one that holds a few descriptors to one that no proxy sends.
const MESSAGE: RangeInclusive<u32> = 1 << 10..=64 << 20;

/// The gRPC server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grpc {
    /// How long a connection is used before its peer is asked to open another.
    #[serde(serialize_with = "serialize_duration")]
    pub max_connection_age: Duration,
    /// How long calls may go on after that.
    #[serde(serialize_with = "serialize_duration")]
    pub max_connection_age_grace: Duration,
    /// Calls at a time on one connection.
    pub max_concurrent_streams: u32,
    /// The largest message that is taken, in bytes.
    #[serde(serialize_with = "serialize_size")]
    pub max_request_bytes: u32,
    /// Connections at a time.
    pub max_connections: u32,
    /// How often a silent connection is asked whether its peer is there.
    #[serde(serialize_with = "serialize_duration")]
    pub keepalive_interval: Duration,
    /// How long the answer to that may take.
    #[serde(serialize_with = "serialize_duration")]
    pub keepalive_timeout: Duration,
    /// How long a new connection may take until its first HTTP/2 frame, TLS included.
    #[serde(serialize_with = "serialize_duration")]
    pub handshake_timeout: Duration,
    /// Whether and how connections are secret.
    pub tls: GrpcTls,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            max_connection_age: Duration::from_mins(30),
            max_connection_age_grace: Duration::from_secs(30),
            max_concurrent_streams: 1024,
            max_request_bytes: 4 << 20,
            max_connections: 10_000,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            tls: GrpcTls::default(),
        }
    }
}

impl Section for Grpc {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "max_connection_age" => put(&mut self.max_connection_age, decoder.duration(field, LONG)),
            "max_connection_age_grace" => {
                put(&mut self.max_connection_age_grace, decoder.duration(field, LONG))
            }
            "max_concurrent_streams" => put(&mut self.max_concurrent_streams, decoder.whole(field, COUNT)),
            "max_request_bytes" => put(&mut self.max_request_bytes, decoder.size(field, MESSAGE)),
            "max_connections" => put(&mut self.max_connections, decoder.whole(field, COUNT)),
            "keepalive_interval" => put(&mut self.keepalive_interval, decoder.duration(field, LONG)),
            "keepalive_timeout" => put(&mut self.keepalive_timeout, decoder.duration(field, SHORT)),
            "handshake_timeout" => put(&mut self.handshake_timeout, decoder.duration(field, SHORT)),
            "tls" => read_section(decoder, field, &mut self.tls),
            _ => Known::No,
        }
    }
}
