//! The paths that can be called without a server.

mod counting;
mod deciding;
mod matching;
mod naming;
mod wire;

use crate::callgrind::{Measured, count_passes, passes_under_callgrind};
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

/// Goes one path twice: for what is made at the first use, and for callgrind. Each has a process of its own, so that how one
/// leaves the memory does not show in another.
pub(crate) fn run(path: usize) {
    if let Some(Case { passes, mut pass, .. }) = all().nth(path).map(|make| make()) {
        (0..passes).for_each(|_| pass());
        passes_under_callgrind(&mut *pass, passes);
    }
}

/// What each path costs.
pub(crate) fn measure() -> anyhow::Result<Vec<Measured>> {
    let folder = Folder::new("paths")?;
    let measured = |(path, make): (usize, Make)| {
        let Case { name, passes, .. } = make();
        let instructions = count_passes(folder.path(), path)? / u64::from(passes);
        Ok(Measured { path: name, instructions })
    };
    all().enumerate().map(measured).collect()
}

/// Far from its neighbours, so that what is asked for in turn does not lie side by side.
fn scattered(turn: usize) -> usize {
    turn.wrapping_mul(0x9e37_79b1) >> 7
}
