//! Everything that envoyproxy/ratelimit shows, under its names: dotted for StatsD and people, and in the form that its mapping
//! gives them for Prometheus.
//!
//! That mapping cuts names at their dots: the first part is the domain, the next two are `key1` and `key2`, and what lies deeper
//! is added up. Its counters do not end in `_total`, which OpenMetrics allows only for what is of unknown type.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::decision::hit_shares::HitShares;
use crate::server::metrics::RequestMetrics;
use crate::service::ServiceStatus;
use crate::telemetry::samples::Described;
use crate::telemetry::statsd::{Series, Timer};

/// The name of the one method, as upstream has it.
const METHOD: &str = "ShouldRateLimit";

type Values = [u64; HitShares::NAMES.len()];

/// Reads the figures where they are kept.
#[derive(Debug, Clone)]
pub struct UpstreamMetrics {
    /// Rules, their statistics, and reloads.
    pub status: Arc<ServiceStatus>,
    /// Requests and how long they took.
    pub requests: Arc<RequestMetrics>,
}

/// The hits of one rule have all of these, in the order of [`HitShares::NAMES`].
const HITS: [Described; HitShares::NAMES.len()] = [
    described("ratelimit_service_rate_limit_total_hits", "Hits of descriptors with a limit"),
    described("ratelimit_service_rate_limit_over_limit", "Hits beyond the limit"),
    described("ratelimit_service_rate_limit_near_limit", "Hits that passed beyond the near threshold"),
    described(
        "ratelimit_service_rate_limit_over_limit_with_local_cache",
        "Hits beyond the limit without asking the store",
    ),
    described("ratelimit_service_rate_limit_within_limit", "Hits of descriptors that were not over"),
    described(
        "ratelimit_service_rate_limit_shadow_mode",
        "Hits beyond the limit that a rule in shadow mode let pass",
    ),
];

const ERRORS: Described = described(
    "ratelimit_service_should_rate_limit_error",
    "Requests that the store did not count (redis_error), and those that got no answer (service_error)",
);

const REQUESTS: Described = described("ratelimit_service_total_requests", "Requests, over gRPC and as JSON");

const RESPONSE_TIME: Described =
    described("ratelimit_service_response_time_seconds", "Time from a decoded request to its answer");

const CONFIG_SUCCESS: Described =
    described("ratelimit_service_config_load_success", "Rules that came into force");

const CONFIG_ERROR: Described = described("ratelimit_service_config_load_error", "Rules that had faults");

const GLOBAL_SHADOW: Described = described(
    "ratelimit_service_global_shadow_mode",
    "Requests that only the whole service's shadow mode let pass",
);

const fn described(name: &'static str, help: &'static str) -> Described {
    Described { name, help }
}

impl UpstreamMetrics {
    /// Every counter under its dotted name.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<Series, u64> {
        let mut counters: BTreeMap<Series, u64> = self.of_service().into();
        for (name, values) in self.by_rule() {
            for (kind, value) in HitShares::NAMES.iter().zip(values).filter(|(_, value)| *value > 0) {
                counters.insert(format!("ratelimit.service.rate_limit.{name}.{kind}").into(), value);
            }
        }
        counters
    }

    /// The time that requests took.
    #[must_use]
    pub fn timers(&self) -> Vec<Timer> {
        let counts = self.requests.duration().counts().collect();
        vec![Timer { name: format!("ratelimit_server.{METHOD}.response_time"), counts }]
    }

    /// Every counter as a line `name: value`.
    #[must_use]
    pub fn lines(&self) -> String {
        self.counters().into_iter().map(|(series, value)| format!("{}: {value}\n", series.name)).collect()
    }

    fn of_service(&self) -> [(Series, u64); 6] {
        let reloads = self.status.reloads();
        let (errors, spared) = self.errors();
        [
            ("ratelimit.service.config_load_success", reloads.succeeded),
            ("ratelimit.service.config_load_error", reloads.failed),
            ("ratelimit.service.global_shadow_mode", spared),
            ("ratelimit.service.call.should_rate_limit.redis_error", errors[0].1),
            ("ratelimit.service.call.should_rate_limit.service_error", errors[1].1),
            ("ratelimit_server.ShouldRateLimit.total_requests", self.requests.total()),
        ]
        .map(|(name, value)| (name.to_owned().into(), value))
    }

    /// Requests that something went wrong with, and those that were spared.
    fn errors(&self) -> ([(&'static str, u64); 2], u64) {
        let statistics = self.status.rulebook().statistics();
        let (store_errors, spared) =
            statistics.map_or((0, 0), |statistics| (statistics.store_errors(), statistics.spared()));
        ([("redis_error", store_errors), ("service_error", self.requests.total_unanswered())], spared)
    }

    /// The hits by name.
    fn by_rule(&self) -> BTreeMap<String, Values> {
        let mut by_rule = BTreeMap::new();
        if let Some(snapshot) = self.status.rulebook().current().as_deref()
            && let Some(statistics) = &snapshot.statistics
        {
            statistics.each(|name, values| add(by_rule.entry(name.to_owned()).or_default(), values));
        }
        by_rule
    }

    fn encode_hits(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut by_labels: BTreeMap<String, Values> = BTreeMap::new();
        for (name, values) in self.by_rule() {
            let shown = name.match_indices('.').nth(2).map_or(name.as_str(), |(end, _)| &name[..end]);
            add(by_labels.entry(shown.to_owned()).or_default(), values);
        }
        for (kind, described) in HITS.into_iter().enumerate() {
            let mut family = described.describe(encoder, MetricType::Unknown)?;
            for (name, values) in by_labels.iter().filter(|(_, values)| values[kind] > 0) {
                // To Prometheus an empty label is none, so that two series would be one.
                let parts = name.split('.').map(|part| if part.is_empty() { "_" } else { part });
                let labels: Vec<(&str, &str)> = ["domain", "key1", "key2"].into_iter().zip(parts).collect();
                value(values[kind]).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl Collector for UpstreamMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.encode_hits(&mut encoder)?;
        let (errors, spared) = self.errors();
        let mut family = ERRORS.describe(&mut encoder, MetricType::Unknown)?;
        for (kind, count) in errors {
            value(count).encode(family.encode_family(&[("err_type", kind)])?)?;
        }
        let method = [("grpc_method", METHOD)];
        let mut family = REQUESTS.describe(&mut encoder, MetricType::Unknown)?;
        value(self.requests.total()).encode(family.encode_family(&method)?)?;
        let mut family = RESPONSE_TIME.describe(&mut encoder, MetricType::Histogram)?;
        self.requests.duration().encode(family.encode_family(&method)?)?;
        let reloads = self.status.reloads();
        for (described, count) in
            [(CONFIG_SUCCESS, reloads.succeeded), (CONFIG_ERROR, reloads.failed), (GLOBAL_SHADOW, spared)]
        {
            value(count).encode(described.describe(&mut encoder, MetricType::Unknown)?)?;
        }
        Ok(())
    }
}

fn add(sum: &mut Values, more: Values) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// A value without a suffix to its name. Nothing that is counted one by one exceeds what a gauge holds.
fn value(count: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}
