//! `soak`: minutes of load with reloads, key churn, and an outage of Redis in the middle, to see what creeps.
//!
//! Half of the rate that the server can do at its start, in an open loop. Most of it on connections that stay for the whole
//! time, the rest in slices on new connections, each of which shows the latency of its seconds.

mod disturbance;
mod judge;
mod slice;

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use ratekeeper::cli::bench::{Load, Report};

use crate::contender::Contender;
use crate::demand::{Callers, Keys, load, measure};
use crate::page::Page;
use crate::rule_set::RuleSet;
use crate::server::{Server, ensure_all_passed};
use crate::setup::Setup;
use disturbance::Plan;
use slice::{Slice, table};

/// How long a slice takes.
const SLICE: Duration = Duration::from_secs(5);

/// What passes between two of them, at a guess, so that the load that stays is there for all of them.
const BETWEEN: Duration = Duration::from_millis(200);

/// Fewer slices have no quarters to compare.
const FEWEST_SLICES: u32 = 12;

/// How long the most that the server can do is measured.
const TRIAL: Duration = Duration::from_secs(3);

/// Each key's counter lives for a second, in which a share of these is asked for: thousands come and go each second.
const KEYS: Keys = Keys::uniform(NonZeroU64::new(100_000).unwrap());

/// What to do.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    callers: Callers,
    /// Minutes
    #[arg(long, default_value = "10", overrides_with = "minutes")]
    minutes: NonZeroU32,
    /// Which server; without a Redis there is no outage
    #[arg(long, value_enum, default_value = "redis")]
    server: Contender,
    /// The rate; half of what the server can do at its start unless given
    #[arg(long)]
    rate: Option<NonZeroU64>,
}

pub(crate) fn run(options: &Options, page: &mut Page) -> anyhow::Result<()> {
    let server = Server::start(&Setup {
        rules: RuleSet::Brief,
        redis_timeout: "10ms",
        log_level: "off",
        ..Setup::of(options.server)
    })?;
    let base = load(server.target(), options.callers, KEYS, TRIAL)?;
    let rate = options.rate.map_or_else(|| half_of_the_most(&server, &base), Ok)?;
    let slices = (options.minutes.get() * 60).div_ceil(u32::try_from(SLICE.as_secs())?).max(FEWEST_SLICES);
    page.heading(&format!(
        "{} for {} s at {rate} requests per second, {}",
        options.server,
        u64::from(slices) * SLICE.as_secs(),
        options.callers
    ))?;
    let (steady, seen) = drive(&server, &base, rate, slices)?;
    page.table(&table(&seen))?;
    page.note(&format!("connections that stayed: {}", judge::failures(&steady)))?;
    page.goals(&judge::goals(&steady, &seen, rate))?;
    let missed = page.missed();
    if missed.is_empty() {
        return page.note("PASS");
    }
    bail!("FAIL: {}", missed.join("; "))
}

/// What a closed loop does in a few seconds, by two.
fn half_of_the_most(server: &Server, load: &Load) -> anyhow::Result<NonZeroU64> {
    server.warm_up(load)?;
    let report = measure(&Load { warmup: Duration::ZERO, ..load.clone() }, None)?;
    ensure_all_passed(server.name(), &report)?;
    NonZeroU64::new(report.decisions * 1000 / 2 / u64::try_from(TRIAL.as_millis())?)
        .context("no decisions at all")
}

/// The load that stays, in a thread of its own; meanwhile slice by slice.
fn drive(
    server: &Server,
    base: &Load,
    rate: NonZeroU64,
    slices: u32,
) -> anyhow::Result<(Report, Vec<Slice>)> {
    let part = |share: u64, duration| {
        let rate = NonZeroU64::new(rate.get() * share / 10);
        ensure!(rate.is_some(), "too few requests per second to be shared");
        Ok(Load { rate, duration, warmup: Duration::ZERO, ..base.clone() })
    };
    let (steady, sliced) = (part(8, (SLICE + BETWEEN) * slices)?, part(2, SLICE)?);
    std::thread::scope(|scope| {
        let stays = scope.spawn(move || measure(&steady, None));
        let plan = Plan::new(server, slices);
        let seen = (0..slices).map(|number| plan.slice(number, &sliced)).collect::<anyhow::Result<Vec<_>>>();
        let Ok(stayed) = stays.join() else { bail!("the thread of the steady load panicked") };
        Ok((stayed?, seen?))
    })
}
