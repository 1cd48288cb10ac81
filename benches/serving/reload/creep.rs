//! Memory over many reloads under load.

use std::time::Duration;

use ratekeeper::cli::bench::{Load, measure};

use crate::goal::Goal;
use crate::page::Page;
use crate::process::megabytes;
use crate::quarters::quarters;
use crate::rule_set::RuleSet;
use crate::server::{Server, ensure_all_passed};
use crate::spread::{Spread, figure};
use crate::table::Table;

use super::rewriter::Rewriter;
use super::{Options, closed_loop};

/// How much more memory the last quarter may take than the second one.
const MOST_GROWTH: f64 = 1.05;

/// Changes the rules every second under an open loop, and looks at memory each time.
pub(crate) fn watch(
    server: &Server,
    rules: RuleSet,
    options: &Options,
    page: &mut Page,
) -> anyhow::Result<()> {
    let second = closed_loop(options, server, Duration::from_secs(1))?;
    let second = Load { rate: Some(options.rate), warmup: Duration::ZERO, ..second };
    let pid = server.pid()?;
    let (memory, in_force) = Rewriter::new(server, rules)?.during(|| {
        let sample = |_| {
            ensure_all_passed(server.name(), &measure(&second, None)?)?;
            megabytes(pid)
        };
        (0..options.reloads.get()).map(sample).collect::<anyhow::Result<Vec<f64>>>()
    })?;
    page.heading(&format!("{rules}, rewritten {} times: resident memory in MB", options.reloads))?;
    let quarters = quarters(&memory);
    let mut table = Table::new(["first quarter", "second", "third", "last", "largest", "changes in force"]);
    let largest = Spread::of(memory).max;
    table.row(quarters.into_iter().chain([largest, in_force]).map(figure));
    page.table(&table)?;
    let growth = quarters[3] / quarters[1];
    page.goals(&[Goal::at_most(format!("{rules}: last quarter by the second"), MOST_GROWTH, growth)])
}
