//! What a figure should be, and whether it is.

use crate::spread::figure;

/// A figure beside the bound that it should keep.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    pub(crate) what: String,
    bound: Bound,
    measured: f64,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    pub(crate) fn at_most(what: impl Into<String>, most: f64, measured: f64) -> Self {
        Self { what: what.into(), bound: Bound::AtMost(most), measured }
    }

    pub(crate) fn at_least(what: impl Into<String>, least: f64, measured: f64) -> Self {
        Self { what: what.into(), bound: Bound::AtLeast(least), measured }
    }

    /// What could not be measured is not met either.
    pub(crate) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.measured <= most,
            Bound::AtLeast(least) => self.measured >= least,
        }
    }

    /// Cells: what, the bound, what was measured, and the verdict.
    pub(crate) fn cells(&self) -> [String; 4] {
        let bound = match self.bound {
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::AtLeast(least) => format!("≥ {least}"),
        };
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        [self.what.clone(), bound, figure(self.measured), verdict.to_owned()]
    }
}
