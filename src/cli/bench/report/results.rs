//! Everything that is reported of a run: the servers with their turns and what these amount to, the machine, the
//! command.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::latencies::Latencies;
use super::super::machine::Machine;
use super::super::turns::{Server, Turn, Turns};
use super::figure::{FIGURES, Summary};
use super::json;
use super::punctuality::OffSchedule;

/// Grows when a program that reads the JSON has to be changed; new fields do not count.
const SCHEMA: u32 = 1;

/// A run, as `--format json` writes it.
#[derive(Debug, Serialize)]
pub struct Results {
    /// The version of this form.
    pub schema: u32,
    /// The version of ratekeeper.
    pub ratekeeper: &'static str,
    /// When the run began, in UTC, as in `2026-11-21T09:30:00Z`.
    pub date: String,
    /// The command line.
    pub command: Vec<String>,
    /// Where the run was made.
    pub machine: Machine,
    /// Whether Ctrl-C ended the run before its time.
    pub interrupted: bool,
    /// Which server could not be measured in which round, and why, where that ended the run.
    pub failure: Option<String>,
    /// The first one is what the others are compared with.
    pub servers: Vec<ServerResults>,
}

/// What is known around a run.
#[derive(Debug)]
pub struct Circumstances {
    /// When it began, as in [`Results::date`].
    pub date: String,
    /// The command line.
    pub command: Vec<String>,
    /// The machine.
    pub machine: Machine,
}

/// A server over all rounds.
#[derive(Debug, Serialize)]
pub struct ServerResults {
    /// Where it listens.
    pub target: String,
    /// Its process, where it was named.
    pub pid: Option<u32>,
    /// What failed in all rounds, and how often.
    pub errors: BTreeMap<String, u64>,
    /// Smallest, middle and largest of each figure, by its name; a turn that was cut short counts only if there is no other.
    #[serde(serialize_with = "json::by_name")]
    pub figures: Vec<Summary>,
    /// How long answers took in all rounds.
    #[serde(serialize_with = "json::latencies")]
    pub latency: Latencies,
    /// Each round by itself.
    pub turns: Vec<Turn>,
}

impl Results {
    /// Sums up the turns of these servers.
    #[must_use]
    pub fn new(circumstances: Circumstances, servers: &[Server], turns: Turns) -> Self {
        let Turns { by_server: turns, failure } = turns;
        let interrupted = turns.iter().flatten().any(|turn| turn.report.interrupted);
        let figures: Vec<Vec<Summary>> = turns
            .iter()
            .enumerate()
            .map(|(place, own)| {
                let first = (place > 0).then(|| telling(&turns[0]));
                let own = telling(own);
                FIGURES.iter().filter_map(|figure| figure.summarise(&own, first.as_deref())).collect()
            })
            .collect();
        let servers = servers.iter().zip(turns.into_iter().zip(figures));
        Self {
            schema: SCHEMA,
            ratekeeper: env!("CARGO_PKG_VERSION"),
            date: circumstances.date,
            command: circumstances.command,
            machine: circumstances.machine,
            interrupted,
            failure,
            servers: servers
                .map(|(server, (turns, figures))| ServerResults::new(server, turns, figures))
                .collect(),
        }
    }

    /// The only turn, where there was only one.
    #[must_use]
    pub fn only_turn(&self) -> Option<&Turn> {
        match self.servers.as_slice() {
            [ServerResults { turns, .. }] if turns.len() == 1 => turns.first(),
            _ => None,
        }
    }

    /// What was asked for, in a line.
    #[must_use]
    pub fn load_in_words(&self) -> String {
        let turns = || self.servers.iter().flat_map(|server| &server.turns);
        let rounds = turns().map(|turn| turn.round).max().unwrap_or(0);
        let Some(turn) = turns().next() else { return "nothing was measured".to_owned() };
        let plural = if rounds == 1 { "" } else { "s" };
        format!("{}; {rounds} round{plural} of {:.1} s", turn.report.load_in_words(), turn.report.seconds)
    }
}

impl ServerResults {
    fn new(server: &Server, turns: Vec<Turn>, figures: Vec<Summary>) -> Self {
        let (mut errors, mut latency) = (BTreeMap::new(), Latencies::new());
        for turn in &turns {
            latency.merge(&turn.report.latencies);
            for (error, count) in &turn.report.errors {
                *errors.entry(error.clone()).or_default() += count;
            }
        }
        Self { target: server.target.to_string(), pid: server.pid, errors, figures, latency, turns }
    }

    /// How the figure of this name came out.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Summary> {
        self.figures.iter().find(|summary| summary.figure.name == name)
    }

    /// In which rounds too much did not go out at its time, and how much; nothing where all is well.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let lapses = || self.turns.iter().filter_map(|turn| Some((turn.round, turn.report.off_schedule()?)));
        let rounds: Vec<String> = lapses().map(|(round, _)| round.to_string()).collect();
        let plural = if rounds.len() == 1 { "" } else { "s" };
        let sum: OffSchedule = lapses().map(|(_, lapse)| lapse).sum();
        (!rounds.is_empty()).then(|| format!("in round{plural} {}, {sum}", rounds.join(", ")))
    }

    /// Everything that failed, in a line.
    #[must_use]
    pub fn errors_in_words(&self) -> String {
        super::in_words(&self.errors)
    }
}

/// A turn that was cut short, by Ctrl-C or the server's end, would only widen the spread.
fn telling(turns: &[Turn]) -> Vec<&Turn> {
    let whole: Vec<&Turn> = turns.iter().filter(|turn| turn.report.is_whole()).collect();
    if whole.is_empty() { turns.iter().collect() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{results, summed_up, turn};
    use super::*;

    #[track_caller]
    fn check(server: &ServerResults, figure: &str, spread: [f64; 3], ratio: Option<[f64; 3]>) {
        let summary = server.figure(figure).unwrap();
        let of = |spread: super::super::super::spread::Spread| [spread.min, spread.median, spread.max];
        assert_eq!((of(summary.spread), summary.ratio_to_first.map(of)), (spread, ratio), "{figure}");
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let results = results();
        let [first, second] = &results.servers[..] else { panic!("two servers expected") };
        check(first, "decisions_per_second", [1000.0, 2000.0, 3000.0], None);
        check(second, "decisions_per_second", [500.0, 1500.0, 2000.0], Some([0.5, 0.5, 1.0]));
        check(second, "server_cpu_seconds_per_million", [15.0, 20.0, 33.0], Some([1.25, 2.0, 3.0]));
    }

    #[test]
    fn latencies_and_errors_are_those_of_all_rounds() {
        let results = results();
        assert_eq!(results.servers[0].latency.count(), 300);
        assert_eq!(
            (results.servers[0].errors_in_words(), results.servers[1].errors_in_words()),
            ("none".to_owned(), "3 × timeout".to_owned())
        );
    }

    #[test]
    fn a_turn_in_which_the_server_was_lost_counts_only_alone() {
        let mut lost = turn("h:1", 2, 5.0, None);
        lost.report.lost = Some("gone".to_owned());
        let both = summed_up(&["h:1"], vec![vec![turn("h:1", 1, 7.0, None), lost.clone()]]);
        check(&both.servers[0], "decisions_per_second", [7.0, 7.0, 7.0], None);
        check(&summed_up(&["h:1"], vec![vec![lost]]).servers[0], "decisions_per_second", [5.0; 3], None);
    }

    #[test]
    fn an_interrupted_turn_counts_only_alone() {
        let interrupted = |round, rate| {
            let mut turn = turn("h:1", round, rate, None);
            turn.report.interrupted = true;
            turn
        };
        let alone = summed_up(&["h:1"], vec![vec![interrupted(1, 5.0)]]);
        check(&alone.servers[0], "decisions_per_second", [5.0, 5.0, 5.0], None);
        assert!(alone.interrupted && alone.only_turn().is_some());
        let both = summed_up(&["h:1"], vec![vec![turn("h:1", 1, 7.0, None), interrupted(2, 5.0)]]);
        check(&both.servers[0], "decisions_per_second", [7.0, 7.0, 7.0], None);
        assert!(both.interrupted && both.only_turn().is_none());
    }

    #[test]
    fn a_round_that_one_server_missed_has_no_ratio() {
        let first = vec![turn("h:1", 1, 10.0, None), turn("h:1", 2, 10.0, None)];
        let results = summed_up(&["h:1", "h:2"], vec![first, vec![turn("h:2", 2, 20.0, Some(1.0))]]);
        check(&results.servers[1], "decisions_per_second", [20.0; 3], Some([2.0; 3]));
        check(&results.servers[1], "server_cpu_seconds_per_million", [1.0; 3], None);
        assert!(results.servers[0].figure("server_cpu_seconds_per_million").is_none());
        let missing = summed_up(&["h:1", "h:2"], vec![vec![turn("h:1", 1, 10.0, None)], Vec::new()]);
        assert!(missing.servers[1].figures.is_empty());
    }

    #[test]
    fn no_decision_has_no_latency() {
        let mut turn = turn("h:1", 1, 0.0, Some(1.0));
        turn.report.decisions = 0;
        let results = summed_up(&["h:1"], vec![vec![turn]]);
        check(&results.servers[0], "decisions_per_second", [0.0; 3], None);
        assert!(results.servers[0].figure("latency_p99_us").is_none());
    }
}
