//! What the figures of a case should be: beside the floor, beside others of the same API, and by counts.

use crate::contender::Contender;
use crate::goal::Goal;
use crate::spread::{Spread, as_f64};

use super::case::Case;
use super::row::Row;

/// The goals of one case, as far as the servers that they are about took part.
pub(crate) fn goals(case: Case, rows: &[Row]) -> Vec<Goal> {
    let Some(floor) = rows.first() else { return Vec::new() };
    let mut goals: Vec<Goal> = rows.iter().filter_map(|row| script_calls(case, row)).collect();
    if floor.kind == Some(Contender::Constant) {
        goals.extend(rows.iter().filter_map(|row| by_floor(case, row, floor)));
    }
    for rival in rows.iter().filter(|row| row.kind.is_none()) {
        goals.extend(rows.iter().flat_map(|row| by_rival(case, row, rival)));
    }
    goals
}

/// In the worst round, because no clock decides it.
fn script_calls(case: Case, row: &Row) -> Option<Goal> {
    row.kind?;
    let worst = Spread::of(row.script_calls()).max / as_f64(case.descriptors.get() as u64);
    let what = format!("{}: script calls for each key, worst round", row.name);
    (!worst.is_nan()).then(|| Goal::at_most(what, case.most_script_calls(), worst))
}

fn by_floor(case: Case, row: &Row, floor: &Row) -> Option<Goal> {
    let most = match (row.kind?, case.descriptors.get()) {
        (Contender::Local, 1) => 1.25,
        (Contender::Redis, 1) => 1.75,
        // A seventh of what upstream needs with a Cluster; a rival here has one Redis.
        (Contender::Cluster, 4) => 10.0,
        _ => return None,
    };
    let ratio = Spread::of_ratios(&row.costs(), &floor.costs()).median;
    Some(Goal::at_most(format!("{}: CPU by the floor's", row.name), most, ratio))
}

fn by_rival(case: Case, row: &Row, rival: &Row) -> Vec<Goal> {
    let (name, other) = (&row.name, &rival.name);
    let cpu = Spread::of_ratios(&row.costs(), &rival.costs()).median;
    let store = Spread::of_ratios(&row.store_costs(), &rival.store_costs()).median;
    let rate = Spread::of_ratios(&row.rates(), &rival.rates()).median;
    if (row.kind, case.descriptors.get()) != (Some(Contender::Redis), 1) {
        return Vec::new();
    }
    vec![
        Goal::at_most(format!("{name}: CPU by that of {other}"), 0.2, cpu),
        Goal::at_most(
            format!("{name}: Redis CPU by that of {other}"),
            if case.keys.are_hot() { 0.125 } else { 0.5 },
            store,
        ),
        Goal::at_least(format!("{name}: decisions per second by those of {other}"), 4.0, rate),
    ]
}
