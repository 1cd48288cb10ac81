//! Whether anything crept: the last quarter of a soak beside the second one.

use std::num::NonZeroU64;

use ratekeeper::cli::bench::Report;

use crate::goal::Goal;
use crate::spread::as_f64;

use super::SLICE;
use super::slice::{Phase, Slice};
use crate::quarters::quarters;

/// How much more memory the last quarter may take: a twentieth, and two megabytes that no leak explains.
const MEMORY: Growth = Growth { times: 1.05, plus: 2.0 };

/// How much slower, in ms; a shared machine has its moods.
const MEDIAN_LATENCY: Growth = Growth { times: 1.25, plus: 0.05 };
const TAIL_LATENCY: Growth = Growth { times: 1.5, plus: 0.5 };

/// How many more descriptors and threads.
const COUNT: Growth = Growth { times: 1.0, plus: 2.0 };

/// How many hits may be decided without Redis while it is there, because a shared machine held one of them up.
const MOST_WITHOUT: f64 = 0.001;

/// What a figure may become.
struct Growth {
    times: f64,
    plus: f64,
}

/// Nothing failed, nothing grew, nothing got slower.
pub(crate) fn goals(steady: &Report, slices: &[Slice], rate: NonZeroU64) -> Vec<Goal> {
    let usual: Vec<&Slice> = slices.iter().filter(|slice| slice.phase == Phase::Usual).collect();
    let over_all = |of: fn(&Slice) -> u64| as_f64(slices.iter().map(of).sum());
    let failed = over_all(|slice| slice.failed) + as_f64(failed(steady));
    let denied = over_all(|slice| slice.denied) + as_f64(steady.over_limit);
    let usual_hits = as_f64(rate.get() * SLICE.as_secs() * usual.len() as u64);
    let without = usual.iter().map(|slice| slice.fallback).sum::<f64>() / usual_hits;
    vec![
        Goal::at_most("failed calls", 0.0, failed),
        Goal::at_most("denied calls", 0.0, denied),
        Goal::at_most("share of hits decided without Redis while it was there", MOST_WITHOUT, without),
        MEMORY.goal("memory, MB", &usual, |slice| slice.holdings.megabytes),
        COUNT.goal("descriptors", &usual, |slice| as_f64(slice.holdings.descriptors as u64)),
        COUNT.goal("threads", &usual, |slice| as_f64(slice.holdings.threads as u64)),
        MEDIAN_LATENCY.goal("p50, ms", &usual, |slice| slice.p50),
        TAIL_LATENCY.goal("p99, ms", &usual, |slice| slice.p99),
    ]
}

/// Requests without a decision.
pub(crate) fn failed(report: &Report) -> u64 {
    report.errors.values().sum()
}

/// What befell them, in words.
pub(crate) fn failures(report: &Report) -> String {
    let failures: Vec<String> =
        report.errors.iter().map(|(error, count)| format!("{count} × {error}")).collect();
    if failures.is_empty() { "0".to_owned() } else { failures.join(", ") }
}

impl Growth {
    fn goal(&self, what: &str, slices: &[&Slice], of: fn(&Slice) -> f64) -> Goal {
        let figures: Vec<f64> = slices.iter().map(|slice| of(slice)).collect();
        let [_, second, _, last] = quarters(&figures);
        // Two digits are enough to read, and to judge by.
        let most = ((second * self.times + self.plus) * 100.0).round() / 100.0;
        Goal::at_most(format!("{what}: median of the last quarter, bound from the second"), most, last)
    }
}
