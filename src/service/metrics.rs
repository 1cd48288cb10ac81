//! What the service shows of its decisions, its rules and their reloads.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use crate::decision::hit::Source;
use crate::service::outcomes::OutcomeCounts;
use crate::service::rulebook::Snapshot;
use crate::service::statistics::Statistics;
use crate::service::status::ServiceStatus;
use crate::telemetry::samples::{Described, as_gauge};

const DECISIONS: Described = Described {
    name: "decisions",
    help: "Descriptors decided, by domain (empty for one without rules), rule (its keys and values; empty where none \
           matched and for limits that the caller brought along), outcome, and what decided: the store, this replica's \
           memory of what is over, its fallback, or nothing but the rules",
};

const RULES: Described = Described { name: "rules", help: "Rules in force" };

const LOADED: Described = Described {
    name: "rules_loaded_timestamp_seconds",
    help: "When the rules in force were loaded, in seconds since 1970",
};

const IN_FORCE: Described = Described {
    name: "rules_info",
    help: "1, with the fingerprint of the rules in force, which is the same for the same files on every replica",
};

const RELOADS: Described =
    Described { name: "reloads", help: "Times that rules were read, by whether they came into force" };

const STALE: Described = Described {
    name: "rules_stale",
    help: "1 while the rules in force are not what the rule files say, because those have faults",
};

const FOLDED: Described = Described {
    name: "label_values_folded",
    help: "Descriptors that were counted under `other` and not under their own values, because metrics.max_label_values names \
           are taken, by metric",
};

/// What the names of the metrics begin with whose labels have values of requests in them.
const BY_VALUE: &str = "ratelimit_service_rate_limit";

/// Reads the figures where they are kept. Of the decisions only what occurred is shown, so that the number of series
/// follows use and not the number of rules times outcomes.
#[derive(Debug)]
pub struct ServiceMetrics(pub Arc<ServiceStatus>);

impl Collector for ServiceMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let reloads = self.0.reloads();
        RELOADS.counters(
            &mut encoder,
            "result",
            [("success", reloads.succeeded), ("failure", reloads.failed)],
        )?;
        STALE.gauge(&mut encoder, if self.0.fault().is_some() { 1.0 } else { 0.0 })?;
        let folded = self.0.rulebook().statistics().map_or(0, Statistics::folded);
        FOLDED.counters(&mut encoder, "metric", [(BY_VALUE, folded)])?;
        match self.0.rulebook().current().as_deref() {
            Some(snapshot) => encode_snapshot(&mut encoder, snapshot),
            None => RULES.gauge(&mut encoder, 0.0),
        }
    }
}

fn encode_snapshot(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    RULES.gauge(encoder, as_gauge(snapshot.rules.rules().len()))?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double for 285,000 years")]
    LOADED.gauge(encoder, snapshot.loaded_at.millis() as f64 / 1_000.0)?;
    IN_FORCE.gauges(encoder, "fingerprint", [(&*snapshot.fingerprint, 1.0)])?;
    let mut family = DECISIONS.describe(encoder, MetricType::Counter)?;
    for rule in snapshot.rules.rules() {
        encode_counts(&mut family, &rule.domain, &rule.path, snapshot.outcomes.of(rule))?;
    }
    for (domain, counts) in snapshot.outcomes.without_rule() {
        encode_counts(&mut family, domain, "", counts)?;
    }
    Ok(())
}

fn encode_counts(
    family: &mut MetricEncoder<'_>,
    domain: &str,
    rule: &str,
    counts: &OutcomeCounts,
) -> fmt::Result {
    for (outcome, source, count) in counts.occurred() {
        let by = source.map_or("rules", Source::name);
        let labels = [("domain", domain), ("rule", rule), ("outcome", outcome.name()), ("decided_by", by)];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
