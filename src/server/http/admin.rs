//! What operators look at: the rules in force, the counters, the shards of the store, the effective settings, the figures, what is
//! logged. Bound to the loopback address by default, because it shows how the service is set up and lets counters be reset.

pub mod counters;
pub mod explain;

mod decision_log;
mod log;
mod ring;
mod shards;

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::rules::{Quota, Rule, RuleLimit};
use crate::server::http::admin::explain::Explainer;
use crate::server::http::admin::ring::RingPage;
use crate::server::http::admin::shards::ShardPage;
use crate::server::http::scrape::written;
use crate::server::metrics::upstream::UpstreamMetrics;
use crate::service::{Clock, Counters, DecisionLog, Readiness, ServiceStatus, Snapshot, SystemClock};
use crate::telemetry::exposition::Exposition;
use crate::telemetry::logs::in_force::LogControl;

/// What the admin pages show.
#[derive(Debug, Clone)]
pub struct AdminPages {
    /// The state of the service and its rules.
    pub status: Arc<ServiceStatus>,
    /// The counters of the store.
    pub counters: Arc<Counters>,
    /// What explains which rule decides.
    pub explainer: Arc<Explainer>,
    /// The log of decisions, if there is one.
    pub decision_log: Option<Arc<DecisionLog>>,
    /// Every metric.
    pub metrics: Arc<Exposition>,
    /// Where upstream's names are wanted, what shows them.
    pub upstream: Option<UpstreamMetrics>,
    /// The effective settings as JSON, secrets masked.
    pub settings: Arc<str>,
    /// What is logged.
    pub log: LogControl,
}

/// What the first page says of the others.
const PAGES: &str = "\
/rlconfig      the rules in force
/explain       which rule decides: ?domain=D&descriptor=key=value,key=value&format=text
/counters      the counters that run; /counter: one of them; POST /counters/reset
/shards        the shards of the store
/ring          the ring that this replica places counters by, and those of others
/stats         every figure
/config        the effective settings
/decision-log  what the decision log does; PUT changes it until the next start
/log           what is logged; PUT changes it
";

/// The routes of the admin listener.
pub fn router(pages: AdminPages) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/rlconfig", get(rules))
        .route("/shards", get(shards))
        .route("/ring", get(ring))
        .route("/stats", get(stats))
        .route("/config", get(settings))
        .merge(counters::router(Arc::clone(&pages.counters)))
        .merge(log::router(pages.log.clone()))
        .merge(explain::router(Arc::clone(&pages.explainer)))
        .merge(decision_log::router(pages.decision_log.clone()))
        .with_state(Arc::new(pages))
}

async fn overview(State(pages): State<Arc<AdminPages>>) -> String {
    let state = match pages.status.readiness() {
        Readiness::Ready => "ready".into(),
        Readiness::Degraded(why) => format!("ready, degraded: {why}"),
        Readiness::NotReady(why) => format!("not ready: {why}"),
    };
    let rules = match pages.status.rulebook().current().as_deref() {
        Some(snapshot) => format!(
            "{} rules of {} domains, fingerprint {}, loaded {} s ago",
            snapshot.rules.rules().len(),
            snapshot.rules.domains().count(),
            snapshot.fingerprint,
            SystemClock.now().secs().saturating_sub(snapshot.loaded_at.secs()),
        ),
        None => "none".into(),
    };
    let reloads = pages.status.reloads();
    format!(
        "ratekeeper {}\nstate: {state}\nrules: {rules}\nreloads: {} succeeded, {} failed\n\n{PAGES}",
        env!("CARGO_PKG_VERSION"),
        reloads.succeeded,
        reloads.failed,
    )
}

async fn rules(State(pages): State<Arc<AdminPages>>) -> String {
    pages.status.rulebook().current().as_deref().map_or_else(String::new, list_rules)
}

async fn shards(State(pages): State<Arc<AdminPages>>) -> Json<Vec<ShardPage>> {
    Json(pages.status.shards().into_iter().map(ShardPage::from).collect())
}

async fn ring(State(pages): State<Arc<AdminPages>>) -> Json<Option<RingPage>> {
    Json(pages.status.rings().map(RingPage::from))
}

async fn stats(State(pages): State<Arc<AdminPages>>) -> Response {
    let upstream = pages.upstream.as_ref().map_or_else(String::new, UpstreamMetrics::lines);
    written(pages.metrics.lines().map(|lines| lines + &upstream), "text/plain; charset=utf-8")
}

async fn settings(State(pages): State<Arc<AdminPages>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], pages.settings.to_string()).into_response()
}

fn list_rules(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for rule in snapshot.rules.rules() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(rule));
    }
    text
}

/// One rule as upstream's users read it, and where it stands.
fn line(rule: &Rule) -> String {
    let quota = match &rule.quota {
        Quota::NoLimit => "no limit".into(),
        Quota::Unlimited => "unlimited".into(),
        Quota::Limited(limits) => limits.iter().map(limit_text).collect::<Vec<_>>().join(" and "),
    };
    let names: String = rule.names().map(|name| format!(", name: {name}")).collect();
    format!(
        "{}.{}: {quota}, shadow_mode: {}, quota_mode: {}{names} ({})",
        rule.domain, rule.path, rule.shadow_mode, rule.quota_mode, rule.location
    )
}

fn limit_text(one: &RuleLimit) -> String {
    let Limit { period, requests_per_unit, algorithm, burst, overdraft } = one.limit;
    let unit = match period.unit() {
        Some(unit) => format!("unit={}", unit.name().to_ascii_uppercase()),
        None => format!("per={period}"),
    };
    let held = match algorithm {
        Algorithm::FixedWindow => String::new(),
        Algorithm::TokenBucket => format!(" algorithm=token_bucket burst={burst}"),
        other => format!(" algorithm={}", other.name()),
    };
    let overdraft = if overdraft { " overdraft=true" } else { "" };
    let Cost { multiplier, most } = one.cost;
    let multiplier = unless_plain(" hits_multiplier", multiplier, Cost::PLAIN.multiplier);
    format!(
        "{unit} requests_per_unit={requests_per_unit}{held}{overdraft}{multiplier}{}",
        unless_plain(" max_hits", most, Cost::PLAIN.most)
    )
}

fn unless_plain(name: &str, number: NonZeroU32, plain: NonZeroU32) -> String {
    if number == plain { String::new() } else { format!("{name}={number}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::period::Period;
    use crate::decision::rules::RuleSet;
    use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

    fn limit(name: Option<&str>, cost: Cost, quota: QuotaSpec) -> LimitSpec {
        LimitSpec { quota, name: name.map(Into::into), replaces: Vec::new(), cost }
    }

    /// The line of a rule for the key `k` with these limits.
    #[track_caller]
    fn check(limits: Vec<LimitSpec>, expected: &str) {
        let location = Location { file: "a.yaml".into(), line: 3, column: 5 };
        let mut limits = limits.into_iter();
        let (limit, further_limits) = (limits.next(), limits.collect());
        let spec = DescriptorSpec { limit, further_limits, ..DescriptorSpec::new("k", location) };
        let rules = RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors: vec![spec] }]).unwrap();
        assert_eq!(line(&rules.rules()[0]), format!("d.k: {expected} (a.yaml:3:5)"));
    }

    #[test]
    fn every_limit_of_a_rule_is_listed() {
        let plain = "shadow_mode: false, quota_mode: false";
        let counted = |number, period| QuotaSpec::Counted(Limit::new(number, period));
        let most = Cost { most: NonZeroU32::new(2).unwrap(), ..Cost::PLAIN };
        check(vec![], &format!("no limit, {plain}"));
        let unlimited = limit(Some("n"), Cost::PLAIN, QuotaSpec::Unlimited);
        check(vec![unlimited], &format!("unlimited, {plain}, name: n"));
        let odd = limit(None, Cost::PLAIN, counted(10, Period::from_seconds(300).unwrap()));
        check(vec![odd], &format!("per=5m requests_per_unit=10, {plain}"));
        let hour = limit(Some("a"), most, counted(5, Period::HOUR));
        let day = limit(Some("b"), Cost::PLAIN, counted(9, Period::DAY));
        check(
            vec![hour, day],
            &format!(
                "unit=HOUR requests_per_unit=5 max_hits=2 and unit=DAY requests_per_unit=9, {plain}, name: a, name: b"
            ),
        );
    }

    #[test]
    fn the_way_in_which_a_limit_is_held_is_listed() {
        let modes = "shadow_mode: false, quota_mode: false";
        let held = |algorithm| Limit::new(10, Period::MINUTE).held_by(algorithm);
        let one = |limit| vec![self::limit(None, Cost::PLAIN, QuotaSpec::Counted(limit))];
        let bucket = Limit { overdraft: true, ..held(Algorithm::TokenBucket).with_burst(25) };
        let minute = "unit=MINUTE requests_per_unit=10";
        check(one(bucket), &format!("{minute} algorithm=token_bucket burst=25 overdraft=true, {modes}"));
        for algorithm in [Algorithm::SlidingWindow, Algorithm::LeakyBucket, Algorithm::SlidingLog] {
            check(one(held(algorithm)), &format!("{minute} algorithm={}, {modes}", algorithm.name()));
        }
        check(one(held(Algorithm::FixedWindow)), &format!("{minute}, {modes}"));
    }
}
