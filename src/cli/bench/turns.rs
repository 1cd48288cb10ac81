//! Several servers under the same load, in turn: round by round, so that what troubles the machine for a while
//! troubles all of them.

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

/// What there is of all turns.
#[derive(Debug, Default)]
pub struct Turns {
    /// By server, in the order of the command line, and of rounds.
    pub by_server: Vec<Vec<Turn>>,
    /// Why there are no more, where a server could not be measured.
    pub failure: Option<String>,
}

/// Measures every server once in each round. A turn that was interrupted or in which the server was lost is the last one.
///
/// # Errors
///
/// When a server cannot be measured before there is anything to report.
pub fn take_turns(
    load: &Load,
    servers: &[Server],
    rounds: usize,
    mut measure: impl FnMut(&Load, Option<u32>) -> anyhow::Result<Report>,
) -> anyhow::Result<Turns> {
    let begin = Instant::now();
    let mut turns = Turns { by_server: vec![Vec::new(); servers.len()], failure: None };
    for (round, place) in schedule(rounds, servers.len()) {
        let server = &servers[place];
        let load = Load { target: server.target.clone(), ..load.clone() };
        let whose = format!("server {} ({}) in round {round}", place + 1, server.target);
        let report = match measure(&load, server.pid) {
            Ok(report) => report,
            Err(error) if turns.by_server.iter().all(Vec::is_empty) => return Err(error),
            Err(error) => {
                turns.failure = Some(format!("cannot measure {whose}: {error:#}"));
                break;
            }
        };
        turns.failure = report.lost.as_ref().map(|reason| format!("lost {whose}: {reason}"));
        let is_last = !report.is_whole();
        let started_seconds = (begin.elapsed().as_secs_f64() - report.seconds).max(0.0);
        turns.by_server[place].push(Turn { round, started_seconds, report });
        if is_last {
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
