//! Several servers under the same load, in turn: round by round, so that what troubles the machine for a while
//! troubles all of them.

use anyhow::Context;
use serde::Serialize;
use tokio::time::Instant;

use super::load::Load;
use super::report::Report;
use super::target::Target;

/// A server under measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub target: Target,
    /// Its process on this machine.
    pub pid: Option<u32>,
}

/// One server under load once.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    /// The round, from 1.
    pub round: usize,
    /// When its measured phase began, in seconds from the beginning of the whole run.
    pub started_seconds: f64,
    /// What it showed.
    #[serde(flatten)]
    pub report: Report,
}

/// Measures every server once in each round; an interrupted turn is the last one. The turns are by server, in the
/// order of `servers`, and of rounds.
///
/// # Errors
///
/// When one of them cannot be measured.
pub fn take_turns(
    load: &Load,
    servers: &[Server],
    rounds: usize,
    mut measure: impl FnMut(&Load, Option<u32>) -> anyhow::Result<Report>,
) -> anyhow::Result<Vec<Vec<Turn>>> {
    let begin = Instant::now();
    let mut turns = vec![Vec::new(); servers.len()];
    for (round, place) in schedule(rounds, servers.len()) {
        let server = &servers[place];
        let load = Load { target: server.target.clone(), ..load.clone() };
        let report = measure(&load, server.pid)
            .with_context(|| format!("cannot measure server {} in round {round}", place + 1))?;
        let interrupted = report.interrupted;
        let started_seconds = (begin.elapsed().as_secs_f64() - report.seconds).max(0.0);
        turns[place].push(Turn { round, started_seconds, report });
        if interrupted {
            break;
        }
    }
    Ok(turns)
}

/// The round and place of each turn. Every other round goes backwards, so that no server always follows the same one.
fn schedule(rounds: usize, servers: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..=rounds).flat_map(move |round| {
        let place = move |nth: usize| if round % 2 == 1 { nth } else { servers - 1 - nth };
        (0..servers).map(move |nth| (round, place(nth)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_round_goes_backwards() {
        let places = [(1, 0), (1, 1), (1, 2), (2, 2), (2, 1), (2, 0), (3, 0), (3, 1), (3, 2)];
        assert_eq!(schedule(3, 3).collect::<Vec<_>>(), places);
        assert_eq!(schedule(2, 1).collect::<Vec<_>>(), [(1, 0), (2, 0)]);
    }
}
