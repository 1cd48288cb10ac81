//! Smallest, middle and largest of some figures, and how figures are written.

use std::fmt;

/// How figures of several rounds lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        Self { min: at(0), median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), max: at(last) }
    }

    /// Each round's figure by the same round's other one: what troubles the machine for a while troubles both.
    pub(crate) fn of_ratios(figures: &[f64], by: &[f64]) -> Self {
        Self::of(figures.iter().zip(by).map(|(figure, by)| figure / by))
    }

    /// Each round's figure less the same round's other one.
    pub(crate) fn of_differences(figures: &[f64], less: &[f64]) -> Self {
        Self::of(figures.iter().zip(less).map(|(figure, less)| figure - less))
    }
}

/// The median, and the smallest and the largest in brackets where there are several.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&figure(self.median))?;
        if self.min.total_cmp(&self.max).is_ne() {
            let to = if self.min < 0.0 { " to " } else { "–" };
            write!(f, " ({}{to}{})", figure(self.min), figure(self.max))?;
        }
        Ok(())
    }
}

/// Three digits that count, or a dash for what is not known.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ if value.is_nan() => return "–".to_owned(),
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// For sums and ratios of what was counted.
#[expect(clippy::cast_precision_loss, reason = "figures are shown with a few digits")]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}
