//! The paths that can be called without a server.

mod counting;
mod deciding;
mod matching;
mod naming;
mod wire;

use anyhow::ensure;

use crate::callgrind::{Measured, case_under_callgrind, count_calls};
use crate::program::Folder;

/// A path, ready to be gone.
pub(crate) struct Case {
    name: String,
    /// Many where each pass goes another way, so that the average does not hang on how keys are hashed in this process.
    passes: u32,
    pass: Box<dyn FnMut()>,
}

impl Case {
    fn new(name: impl Into<String>, passes: u32, pass: impl FnMut() + 'static) -> Self {
        Self { name: name.into(), passes, pass: Box::new(pass) }
    }
}

/// What makes a case: made when it is its turn, as some are large.
type Make = fn() -> Case;

fn all() -> impl Iterator<Item = Make> {
    [matching::CASES, naming::CASES, counting::CASES, deciding::CASES, wire::CASES]
        .into_iter()
        .flatten()
        .copied()
}

/// Goes each path twice: for what is made at the first use, and for callgrind.
pub(crate) fn run_all() {
    for make in all() {
        let Case { passes, mut pass, .. } = make();
        (0..passes).for_each(|_| pass());
        case_under_callgrind(&mut *pass, passes);
    }
}

/// What each path costs.
pub(crate) fn measure() -> anyhow::Result<Vec<Measured>> {
    let folder = Folder::new("paths")?;
    let counted = count_calls(folder.path())?;
    let cases: Vec<Case> = all().map(|make| make()).collect();
    ensure!(counted.len() == cases.len(), "valgrind counted {} of {} paths", counted.len(), cases.len());
    let measured = |(case, total): (&Case, &u64)| Measured {
        path: case.name.clone(),
        instructions: total / u64::from(case.passes),
    };
    Ok(cases.iter().zip(&counted).map(measured).collect())
}

/// Far from its neighbours, so that what is asked for in turn does not lie side by side.
fn scattered(turn: usize) -> usize {
    turn.wrapping_mul(0x9e37_79b1) >> 7
}
