//! What happens to the server while it is soaked: rules change in every slice, and Redis is killed and started again in
//! the middle.

use std::time::Duration;

use ratekeeper::cli::bench::{Load, measure};

use crate::process::holdings;
use crate::program::pause;
use crate::rule_set::RuleSet;
use crate::server::Server;

use super::SLICE;
use super::judge::{failed, failures};
use super::slice::{Phase, Slice};

/// How many slices Redis is gone.
const OUTAGE: u32 = 2;

/// How many more are not counted, until it is asked again.
const RETURN: u32 = 2;

/// How long the server may take to see that connections were closed.
const SETTLING: Duration = Duration::from_millis(100);

/// What happens when.
pub(crate) struct Plan<'a> {
    server: &'a Server,
    middle: u32,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(server: &'a Server, slices: u32) -> Self {
        Self { server, middle: slices / 2 }
    }

    /// Does what is due, drives the load through one slice, and looks.
    pub(crate) fn slice(&self, number: u32, load: &Load) -> anyhow::Result<Slice> {
        self.disturb(number)?;
        let before = self.fallback()?;
        let report = measure(load, None)?;
        pause(SETTLING)?;
        let latency = report.latency_us;
        Ok(Slice {
            second: u64::from(number + 1) * SLICE.as_secs(),
            phase: self.phase(number),
            holdings: holdings(self.server.pid()?)?,
            p50: latency.p50 / 1e3,
            p99: latency.p99 / 1e3,
            p999: latency.p999 / 1e3,
            fallback: self.fallback()? - before,
            counters: self.counters()?,
            failed: failed(&report),
            failures: failures(&report),
            denied: report.over_limit,
        })
    }

    fn disturb(&self, number: u32) -> anyhow::Result<()> {
        RuleSet::Brief.rewrite(&self.server.rules()?, number + 1)?;
        let Some(redis) = self.server.redis() else { return Ok(()) };
        if number == self.middle {
            redis.kill();
        } else if number == self.middle + OUTAGE {
            redis.restart()?;
        }
        Ok(())
    }

    fn phase(&self, number: u32) -> Phase {
        let outage = self.middle..self.middle + OUTAGE + RETURN;
        match number {
            0 => Phase::Start,
            _ if self.server.redis().is_some() && outage.contains(&number) => Phase::Outage,
            _ => Phase::Usual,
        }
    }

    fn counters(&self) -> anyhow::Result<f64> {
        let own = "ratekeeper_store_entries";
        let to_settle = "ratekeeper_fallback_unsettled_counters";
        self.server.metric(if self.server.redis().is_some() { to_settle } else { own })
    }

    fn fallback(&self) -> anyhow::Result<f64> {
        if self.server.redis().is_some() { self.server.fallback() } else { Ok(0.0) }
    }
}
