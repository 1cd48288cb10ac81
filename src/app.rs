//! The composition root: builds the parts from the settings, binds, serves, and drains.
//!
//! Every long-lived task is started and ended here. Sockets are bound before anything serves, so that a wrong address
//! ends the process at once with a message instead of half a service.

mod decision_log;
mod lifecycle;
mod listeners;
mod metrics;
mod redis_access;
mod reload;
mod service_manager;
mod settings;
mod statsd;
mod store;
mod sweep;
mod traces;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::config::settings::Settings;
use crate::config::watch::{ForceRead, RuleWatch, WatchOptions};
use crate::server::health::Health;
use crate::server::http::admin::AdminPages;
use crate::server::http::admin::explain::Explainer;
use crate::server::metrics::RequestMetrics;
use crate::server::metrics::upstream::UpstreamMetrics;
use crate::server::responder::Responder;
use crate::service::{self, Limiter, Rulebook, ServiceStatus, SystemClock};
use crate::storage::Store;
use crate::telemetry::exposition::Exposition;
use crate::telemetry::logs;
use crate::telemetry::logs::in_force::LogControl;
use crate::telemetry::statsd::Sendings;

use decision_log::LogOfDecisions;
use lifecycle::{Signals, Tasks};
use listeners::{Bound, Running};
use service_manager::ServiceManager;
pub use settings::{explain_context, grpc_tls};
use store::Counters;
use traces::Traces;

/// How long blocking work (reading files, sweeping) may go on when the process ends. A mount that hangs must not keep it.
const BLOCKING_PATIENCE: Duration = Duration::from_millis(500);

/// How long the end waits for the collector to take what was recorded last.
const LAST_SPANS: Duration = Duration::from_secs(1);

/// What is served.
type Decider = Responder<Store, SystemClock>;

/// Serves until SIGTERM or SIGINT, and drains.
///
/// # Errors
/// Where a listener cannot be bound or a thread cannot be started.
pub fn run(settings: &Settings) -> anyhow::Result<()> {
    let log = logs::start(&settings::logs(settings))?;
    let control = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let control = control.context("the control runtime cannot be started")?;
    let served = control.block_on(serve(settings, log));
    control.shutdown_timeout(BLOCKING_PATIENCE);
    served
}

async fn serve(settings: &Settings, log: LogControl) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("signals cannot be listened for")?;
    let bound = Bound::bind(settings).await?;
    let (traces, export) = Traces::start(settings)?;
    let parts = Parts::build(settings, log, traces).await?;
    let mut tasks = Tasks::default();
    tasks.start("log levels", parts.log.clone().keep());
    let watch = RuleWatch::new(settings.rules.paths.clone(), watch_options(settings));
    let force = watch.force_handle();
    tasks.start("reload", parts.reloader(settings).run(watch));
    parts.counters.keep(&mut tasks);
    bound.keep(&mut tasks);
    let running = bound.serve(settings, &parts)?;
    let statsd = statsd::start(settings, &parts, running.exposition(), &mut tasks);
    serve_until_told(&parts.status, &mut signals, &mut tasks, &force).await;
    drain(settings, &parts, running, &mut signals).await;
    tasks.end().await;
    statsd::leave(statsd).await;
    parts.counters.leave().await;
    parts.decisions.finish().await;
    if let Some(export) = export {
        export.end(LAST_SPANS).await;
    }
    Ok(())
}

/// A task that ends is our mistake, and no reason to stop deciding: it is told to everybody who looks.
async fn serve_until_told(
    status: &ServiceStatus,
    signals: &mut Signals,
    tasks: &mut Tasks,
    force: &ForceRead,
) {
    let told = signals.until_told_to_end(|| force.force());
    tokio::pin!(told);
    loop {
        tokio::select! {
            () = &mut told => return,
            task = tasks.until_one_ends() => status.lost_task(task),
        }
    }
}

/// What the servers and tasks share.
struct Parts {
    status: Arc<ServiceStatus>,
    rulebook: Arc<Rulebook>,
    counters: Counters,
    health: Health,
    requests: Arc<RequestMetrics>,
    decisions: LogOfDecisions,
    /// Where upstream's names are wanted, what shows them.
    upstream: Option<UpstreamMetrics>,
    statsd_sendings: Arc<Sendings>,
    traces: Traces,
    effective_settings: Arc<str>,
    log: LogControl,
    service_manager: ServiceManager,
}

impl Parts {
    async fn build(settings: &Settings, log: LogControl, traces: Traces) -> anyhow::Result<Self> {
        let (rulebook, counters) =
            (Arc::new(settings::rulebook(settings)), Counters::build(settings, &traces.tracer)?);
        let status = Arc::new(ServiceStatus::new(Arc::clone(&rulebook), counters.shards()));
        let requests = Arc::new(RequestMetrics::default());
        let upstream = || UpstreamMetrics { status: Arc::clone(&status), requests: Arc::clone(&requests) };
        Ok(Self {
            upstream: settings.metrics.upstream_names.then(upstream),
            statsd_sendings: Arc::default(),
            status,
            rulebook,
            counters,
            health: Health::not_serving().await,
            requests,
            decisions: LogOfDecisions::start(settings)?,
            traces,
            effective_settings: settings::effective(settings)?,
            log,
            service_manager: ServiceManager::of_this_process(),
        })
    }

    /// What makes a thread's responder, within that thread's runtime.
    fn responders(&self, settings: &Settings) -> impl Fn() -> Arc<Decider> + Send + Sync + 'static {
        let (rulebook, counters, requests) =
            (Arc::clone(&self.rulebook), self.counters.clone(), Arc::clone(&self.requests));
        let (modes, limits) = (settings::modes(settings), settings::request_limits(settings));
        let (answers, decisions) = (settings::answers(settings), self.decisions.log());
        let tracer = self.traces.tracer.clone();
        move || {
            let limiter = Limiter::new(Arc::clone(&rulebook), counters.open(), SystemClock, modes);
            let (answers, requests) = (answers.clone(), Arc::clone(&requests));
            let responder = Responder::new(limiter, limits, answers, requests);
            Arc::new(responder.with_tracer(tracer.clone()).with_decision_log(decisions.clone()))
        }
    }

    fn reloader(&self, settings: &Settings) -> reload::Reloader {
        reload::Reloader {
            rulebook: Arc::clone(&self.rulebook),
            status: Arc::clone(&self.status),
            health: self.health.clone(),
            options: settings::rule_options(settings),
            tracer: self.traces.tracer.clone(),
            service_manager: self.service_manager.clone(),
        }
    }

    fn admin_pages(&self, settings: &Settings, metrics: Arc<Exposition>) -> AdminPages {
        let (rulebook, clock) = (Arc::clone(&self.rulebook), Arc::new(SystemClock));
        let share = settings::modes(settings).limit_share;
        let counters = Arc::new(service::Counters::new(rulebook, self.counters.inspected(), clock, share));
        let explainer =
            Explainer::new(Arc::clone(&self.rulebook), Arc::clone(&counters), explain_context(settings));
        AdminPages {
            status: Arc::clone(&self.status),
            counters,
            explainer: Arc::new(explainer),
            decision_log: self.decisions.log(),
            metrics,
            upstream: self.upstream.clone(),
            settings: Arc::clone(&self.effective_settings),
            log: self.log.clone(),
        }
    }
}

fn watch_options(settings: &Settings) -> WatchOptions {
    WatchOptions { rescan_interval: settings.rules.rescan_interval, ..WatchOptions::default() }
}

/// Readiness fails first, so that traffic moves away while everything still works; then connections are asked to leave,
/// and what is in flight ends within the deadline.
async fn drain(settings: &Settings, parts: &Parts, running: Running, signals: &mut Signals) {
    parts.status.start_draining();
    parts.service_manager.stopping();
    parts.health.set_serving(false).await;
    tracing::info!(pause = ?settings.drain.pause, deadline = ?settings.drain.deadline, "draining; a second signal cuts the pause short");
    tokio::select! {
        () = tokio::time::sleep(settings.drain.pause) => {}
        () = signals.until_told_to_end(|| ()) => tracing::info!("told again to end: the pause is cut short"),
    }
    parts.health.end_watches().await;
    running.drain(settings.drain.deadline).await;
}
