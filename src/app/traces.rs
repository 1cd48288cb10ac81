//! Traces: from the settings to what records and what exports.

use std::sync::Arc;

use anyhow::Context;

use crate::app::settings;
use crate::config::settings::Settings;
use crate::telemetry::trace::export::Export;
use crate::telemetry::trace::{SpanCounts, Tracer};

/// What records, and what exports what was recorded.
#[derive(Debug, Default)]
pub(super) struct Traces {
    pub(super) tracer: Tracer,
    pub(super) counts: Arc<SpanCounts>,
}

impl Traces {
    /// Starts the export where a collector is named, and otherwise nothing.
    pub(super) fn start(settings: &Settings) -> anyhow::Result<(Self, Option<Export>)> {
        for ignored in &settings.tracing.standard.ignored {
            tracing::warn!("a variable of OpenTelemetry is left alone: {ignored}");
        }
        let counts = Arc::new(SpanCounts::default());
        let Some((recorded, exported)) = settings::traces(settings) else {
            return Ok((Self { tracer: Tracer::default(), counts }, None));
        };
        let started = Export::start(recorded, &exported, &counts);
        let (tracer, export) = started.context("tracing.endpoint")?;
        let endpoint = &exported.collector.endpoint;
        tracing::info!(
            endpoint,
            sample_ratio = settings.tracing.sample_ratio,
            "requests are recorded for OpenTelemetry"
        );
        Ok((Self { tracer, counts }, Some(export)))
    }
}
