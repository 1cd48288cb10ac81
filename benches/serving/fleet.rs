//! Several replicas that share one store, under one load that is spread evenly over them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use ratekeeper::cli::bench::{Load, Report};

use crate::demand::{Callers, Keys, load, measure};
use crate::redis::{Redis, Work};
use crate::server::{Server, ensure_all_passed};
use crate::setup::Setup;
use crate::spread::as_f64;

/// Replicas and their store, if they have one.
#[derive(Debug)]
pub(crate) struct Fleet {
    replicas: Vec<Server>,
    redis: Option<Arc<Redis>>,
}

/// What one turn of load showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FleetTurn {
    pub(crate) decisions_per_second: f64,
    /// Decisions per CPU second of all replicas.
    pub(crate) by_replica_cpu: f64,
    /// Decisions per CPU second of the store.
    pub(crate) by_redis_cpu: f64,
    /// Hits that were decided without the store.
    pub(crate) fallback: f64,
}

impl Fleet {
    /// Starts so many replicas with a fresh store.
    pub(crate) fn start(setup: &Setup, count: NonZeroUsize) -> anyhow::Result<Self> {
        let redis = setup.contender.redis()?.map(Arc::new);
        let start = |_| Server::start_with(setup, redis.clone());
        let replicas = (0..count.get()).map(start).collect::<Result<_, _>>()?;
        Ok(Self { replicas, redis })
    }

    /// All replicas at once, each with these callers.
    pub(crate) fn take_turn(
        &self,
        callers: Callers,
        keys: Keys,
        time: Duration,
    ) -> anyhow::Result<FleetTurn> {
        let to = |server: &Server| load(server.target(), callers, keys, time);
        let loads: Vec<Load> = self.replicas.iter().map(to).collect::<Result<_, _>>()?;
        self.all_at_once(&loads, |server, load| server.warm_up(load))?;
        let (before, fallback) = (self.work()?, self.fallback()?);
        let reports = self.all_at_once(&loads, |server, load| {
            let report = measure(&Load { warmup: Duration::ZERO, ..load.clone() }, Some(server.pid()?))?;
            ensure_all_passed(server.name(), &report)?;
            Ok(report)
        })?;
        let work = self.work()? - before;
        Ok(FleetTurn::new(&reports, work, self.fallback()? - fallback))
    }

    fn all_at_once<T: Send>(
        &self,
        loads: &[Load],
        run: impl Fn(&Server, &Load) -> anyhow::Result<T> + Sync,
    ) -> anyhow::Result<Vec<T>> {
        std::thread::scope(|scope| {
            let run = &run;
            let start = |(server, load)| scope.spawn(move || run(server, load));
            let threads: Vec<_> = self.replicas.iter().zip(loads).map(start).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, anyhow::Result<T>>| match thread.join() {
                Ok(outcome) => outcome,
                Err(_) => bail!("a thread of load panicked"),
            };
            threads.into_iter().map(join).collect()
        })
    }

    fn work(&self) -> anyhow::Result<Work> {
        self.redis.as_ref().map_or_else(|| Ok(Work::default()), |redis| redis.work())
    }

    fn fallback(&self) -> anyhow::Result<f64> {
        if self.redis.is_none() {
            return Ok(0.0);
        }
        self.replicas.iter().map(Server::fallback).sum()
    }
}

impl FleetTurn {
    fn new(reports: &[Report], work: Work, fallback: f64) -> Self {
        let decisions = as_f64(reports.iter().map(|report| report.decisions).sum());
        let cpu = |report: &Report| report.server.map_or(f64::NAN, |server| server.cost.cpu_seconds);
        Self {
            decisions_per_second: reports.iter().map(|report| report.decisions_per_second).sum(),
            by_replica_cpu: decisions / reports.iter().map(cpu).sum::<f64>(),
            by_redis_cpu: if work.cpu_seconds > 0.0 { decisions / work.cpu_seconds } else { f64::NAN },
            fallback,
        }
    }
}
