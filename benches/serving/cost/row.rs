//! One server's figures of all rounds of a case.

use ratekeeper::cli::bench::Report;

use crate::contender::Contender;
use crate::server::{StoreTurn, Turn, server_cost};
use crate::spread::{Spread, as_f64, figure};

/// A server's turns, in the order of rounds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// None for one that we did not start.
    pub(crate) kind: Option<Contender>,
    pub(crate) turns: Vec<Turn>,
}

impl Row {
    /// CPU seconds of the server per million decisions, by round.
    pub(crate) fn costs(&self) -> Vec<f64> {
        self.turns.iter().map(|turn| server_cost(&turn.report)).collect()
    }

    /// The same of its Redis; nothing where it has none.
    pub(crate) fn store_costs(&self) -> Vec<f64> {
        self.of_store(|store| store.work.cpu_seconds * 1e6)
    }

    /// Script calls for each decision.
    pub(crate) fn script_calls(&self) -> Vec<f64> {
        self.of_store(|store| as_f64(store.work.calls))
    }

    pub(crate) fn rates(&self) -> Vec<f64> {
        self.turns.iter().map(|turn| turn.report.decisions_per_second).collect()
    }

    pub(crate) fn cells(&self, floor: &Row) -> Vec<String> {
        let costs = self.costs();
        vec![
            self.name.clone(),
            Spread::of(costs.iter().copied()).to_string(),
            Spread::of_ratios(&costs, &floor.costs()).to_string(),
            self.median(|report| report.decisions_per_second),
            self.median(|report| report.latency_us.p99),
            self.median(|report| report.server.map_or(f64::NAN, |s| as_f64(s.peak_memory_bytes) / 1e6)),
            self.median(|report| report.generator.cpu_seconds_per_million),
        ]
    }

    /// What its Redis did, against what it should do, which no clock decides.
    pub(crate) fn store_cells(&self, floor: &Row) -> Option<Vec<String>> {
        let costs = self.store_costs();
        let commands = Spread::of(self.of_store(|store| as_f64(store.work.commands) * 1e6));
        let calls = Spread::of(self.script_calls().into_iter().map(|calls| calls * 1e6));
        let ratios = Spread::of_ratios(&costs, &floor.costs());
        let mut cells = vec!["its Redis".to_owned(), Spread::of(costs.iter().copied()).to_string()];
        cells.push(ratios.to_string());
        cells.resize(7, String::new());
        cells.extend([figure(calls.median), figure(commands.median)]);
        (!costs.is_empty()).then_some(cells)
    }

    /// What makes the figures worthless.
    pub(crate) fn notes(&self) -> Option<String> {
        let without: f64 = self.turns.iter().filter_map(|turn| Some(turn.store?.fallback)).sum();
        let name = &self.name;
        (without > 0.0).then(|| {
            format!(
                "ATTENTION: {name}: {without} hits were decided WITHOUT Redis, so its figures mean little"
            )
        })
    }

    fn median(&self, of: fn(&Report) -> f64) -> String {
        figure(Spread::of(self.turns.iter().map(|turn| of(&turn.report))).median)
    }

    /// A figure of the store for each decision.
    fn of_store(&self, figure: fn(&StoreTurn) -> f64) -> Vec<f64> {
        let by_decision = |turn: &Turn| Some(figure(turn.store.as_ref()?) / as_f64(turn.report.decisions));
        self.turns.iter().filter_map(by_decision).collect()
    }
}
