//! Results that were never measured, for the tests of what is made of them.

use std::time::Duration;

use clap::Parser;
use tokio::time::Instant;

use super::super::answer::{CallError, Decision};
use super::super::load::Load;
use super::super::machine::Machine;
use super::super::tally::Tally;
use super::super::target::Target;
use super::super::turns::{Server, Turn, Turns};
use super::results::{Circumstances, Results};
use super::{Cost, Report, ServerCost};

/// Looks like markup and like something for a shell.
pub(super) const EVIL: &str = "unix:/tmp/<b>'x'&\"y\" z.sock";

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    load: Load,
}

/// A turn of so many decisions per second and so many CPU seconds for a million of them.
pub(super) fn turn(target: &str, round: usize, decisions_per_second: f64, cpu: Option<f64>) -> Turn {
    turn_under(&[target], round, decisions_per_second, cpu)
}

/// The same at a rate, with so many requests that were sent late.
pub(super) fn paced_turn(target: &str, round: usize, late: u64) -> Turn {
    let arguments = [target, "--rate", "2000", "--zipf", "1.1"];
    let mut turn = turn_under(&arguments, round, 2000.0, Some(10.0));
    turn.report.punctuality.iter_mut().for_each(|punctuality| punctuality.late = late);
    turn
}

fn turn_under(arguments: &[&str], round: usize, decisions_per_second: f64, cpu: Option<f64>) -> Turn {
    let arguments = std::iter::once(&"bench").chain(arguments);
    let load = Arguments::try_parse_from(arguments).unwrap().load;
    let mut tally = Tally::new();
    let begin = Instant::now();
    for milliseconds in 1..=100 {
        tally.send_due(Duration::from_micros(20 * milliseconds), false);
        let came = begin + Duration::from_millis(milliseconds * 30);
        tally.end_at(Ok(Decision::Ok), Duration::from_millis(milliseconds), came);
    }
    let cost = |cpu| Cost { cpu_seconds: 1.0, cpu_seconds_per_million: cpu };
    let mut report = Report::new(&load, &tally, Duration::from_secs(3), cost(2.5));
    report.decisions_per_second = decisions_per_second;
    report.server = cpu.map(|cpu| ServerCost { pid: 12, cost: cost(cpu), peak_memory_bytes: 10 << 20 });
    Turn { round, started_seconds: round as f64 * 10.0, report }
}

/// Two servers, the second of an evil name, three rounds, CPU time of the first only where asked for.
pub(super) fn results() -> Results {
    let turns = |target: &str, figures: [(f64, f64); 3]| {
        let rounds = (1..).zip(figures);
        rounds.map(|(round, (rate, cpu))| turn(target, round, rate, Some(cpu))).collect::<Vec<_>>()
    };
    let mut second = turns(EVIL, [(500.0, 20.0), (2000.0, 33.0), (1500.0, 15.0)]);
    second[0].report.errors = [(CallError::Timeout.to_string(), 3)].into();
    let first = turns("h:1", [(1000.0, 10.0), (2000.0, 11.0), (3000.0, 12.0)]);
    summed_up(&["h:1", EVIL], vec![first, second])
}

/// Sums these turns up.
pub(super) fn summed_up(targets: &[&str], turns: Vec<Vec<Turn>>) -> Results {
    let servers: Vec<Server> = targets
        .iter()
        .map(|target| Server { target: target.parse::<Target>().unwrap(), pid: Some(12) })
        .collect();
    let machine = Machine {
        cpu: Some("Some CPU".to_owned()),
        architecture: "x86_64",
        cores: 2,
        memory_bytes: Some(8 << 30),
        kernel: Some("6.1".to_owned()),
    };
    let command = ["ratekeeper", "bench", "h:1", "--against", EVIL].map(str::to_owned).into();
    let circumstances = Circumstances { date: "2026-11-21T09:30:00Z".to_owned(), command, machine };
    Results::new(circumstances, &servers, Turns { by_server: turns, failure: None })
}
