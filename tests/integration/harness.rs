//! What the tests stand on: the real binary, a real Envoy, a real Redis, clients for them, and a wire that fails.
//!
//! Everything that is started here gets free ports and a temporary folder, is waited for until it is ready, is
//! ended when it goes out of scope, and shows its log when its test fails. Tests therefore run side by side.

pub(crate) mod ask;
pub(crate) mod authority;
pub(crate) mod callers;
pub(crate) mod collector;
pub(crate) mod envoy;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod ratekeeper;
pub(crate) mod raw_grpc;
pub(crate) mod redis;
pub(crate) mod resp;
pub(crate) mod secure_client;
pub(crate) mod tell;
pub(crate) mod traffic;
pub(crate) mod upstream;
pub(crate) mod wait;
pub(crate) mod wire;
pub(crate) mod yaml;

pub(crate) use ask::{Ask, ask, entries, nothing};
pub(crate) use authority::Authority;
pub(crate) use collector::Collector;
pub(crate) use envoy::Envoy;
pub(crate) use prometheus::Prometheus;
pub(crate) use ratekeeper::Ratekeeper;
pub(crate) use redis::{Redis, RedisCluster, RedisSentinel};
pub(crate) use secure_client::SecureClient;
pub(crate) use tell::tell;
pub(crate) use upstream::Upstream;
pub(crate) use wire::Wire;
