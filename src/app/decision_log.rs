//! The decision log and the thread that writes it, where the settings want one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use prometheus_client::registry::Registry;

use crate::app::settings;
use crate::config::settings::Settings;
use crate::service::SystemClock;
use crate::service::decision_log::DecisionLog;
use crate::service::decision_log::metrics::DecisionLogMetrics;
use crate::service::decision_log::writer::{Tally, Writer};

/// How long lines that wait when the process ends may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A log, and who writes it.
#[derive(Debug, Default)]
pub(super) struct LogOfDecisions {
    log: Option<Arc<DecisionLog>>,
    writer: Option<Writer>,
    tally: Arc<Tally>,
}

impl LogOfDecisions {
    pub(super) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let Some((settings, salt, target)) = settings::decision_log(settings) else {
            return Ok(Self::default());
        };
        let writer = Writer::start(target).context("the decision log's thread cannot be started")?;
        let log = DecisionLog::new(settings, salt, writer.queue(), Arc::new(SystemClock));
        Ok(Self { log: Some(Arc::new(log)), tally: writer.tally(), writer: Some(writer) })
    }

    pub(super) fn log(&self) -> Option<Arc<DecisionLog>> {
        self.log.clone()
    }

    /// Also without a log, so that whoever looks at the figures need not know.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(DecisionLogMetrics(Arc::clone(&self.tally))));
    }

    /// Has what waits written.
    pub(super) async fn finish(self) {
        if let Some(writer) = self.writer {
            writer.finish(PATIENCE).await;
        }
    }
}
