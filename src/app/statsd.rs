//! What is sent by StatsD: every figure of the registry, and upstream's where they are wanted.

use std::sync::Arc;
use std::time::Duration;

use crate::app::lifecycle::Tasks;
use crate::app::{Parts, settings};
use crate::config::settings::Settings;
use crate::telemetry::exposition::{Exposition, Format};
use crate::telemetry::statsd::{Figures, Statsd, Timer};

/// How long the last figures may take when the process ends.
const LAST_FLUSH: Duration = Duration::from_secs(1);

/// Starts to send figures, where there is a receiver.
pub(super) fn start(
    settings: &Settings,
    parts: &Parts,
    exposition: &Arc<Exposition>,
    tasks: &mut Tasks,
) -> Option<Arc<Statsd>> {
    let receiver = settings::statsd(settings)?;
    let (exposition, requests, upstream) =
        (Arc::clone(exposition), Arc::clone(&parts.requests), parts.upstream.clone());
    let source = move || {
        let text = exposition.page(Format::OpenMetrics).ok()?;
        let mut figures = Figures::from_openmetrics(&text);
        let counts = requests.duration().counts().collect();
        figures.timers.push(Timer { name: "ratekeeper_request_duration".into(), counts });
        if let Some(upstream) = &upstream {
            figures.counters.extend(upstream.counters());
            figures.timers.extend(upstream.timers());
        }
        Some(figures)
    };
    let statsd = Arc::new(Statsd::new(receiver, Box::new(source), Arc::clone(&parts.statsd_sendings)));
    let running = Arc::clone(&statsd);
    tasks.start("statsd", async move { running.run().await });
    Some(statsd)
}

/// Sends the last figures, once nothing changes them any more.
pub(super) async fn leave(statsd: Option<Arc<Statsd>>) {
    if let Some(statsd) = statsd {
        // UDP gives no sign of arrival either way.
        let _ = tokio::time::timeout(LAST_FLUSH, statsd.flush()).await;
    }
}
