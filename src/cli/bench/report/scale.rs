//! The axes of a plot: where a value lies between its ends, and which values are written beside it.

/// An axis from its lower to its upper end.
#[derive(Debug)]
pub struct Axis {
    /// What it shows, with its unit.
    pub title: String,
    /// Values that are written beside it.
    pub ticks: Vec<Tick>,
    /// Spreads values evenly over the axis.
    spread: fn(f64) -> f64,
    /// The ends, spread.
    low: f64,
    high: f64,
}

/// A value that is written beside an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where.
    pub value: f64,
    /// How.
    pub label: String,
}

/// Shares of answers that stand beside an axis of percentiles.
const QUANTILES: [(f64, &str); 7] = [
    (0.0, "0"),
    (0.5, "50"),
    (0.9, "90"),
    (0.99, "99"),
    (0.999, "99.9"),
    (0.9999, "99.99"),
    (0.99999, "99.999"),
];

/// More powers of ten than that get no 2 and 5 between them.
const MOST_LABELS: usize = 7;

impl Axis {
    /// Evenly from 0 to at least `high`.
    #[must_use]
    pub fn from_zero(title: impl Into<String>, high: f64, label: fn(f64) -> String) -> Self {
        let step = round_up(high.max(f64::MIN_POSITIVE) / 5.0);
        let steps = (high / step).ceil().clamp(1.0, 5.0);
        let values = std::iter::successors(Some(0.0), |count| Some(count + 1.0));
        let ticks =
            values.take_while(|count| *count <= steps).map(|count| tick(count * step, label)).collect();
        Self { title: title.into(), ticks, spread: |value| value, low: 0.0, high: steps * step }
    }

    /// Evenly from 0 to `high` and no further: for time, which has an end.
    #[must_use]
    pub fn until(title: impl Into<String>, high: f64, label: fn(f64) -> String) -> Self {
        let high = high.max(f64::MIN_POSITIVE);
        let mut axis = Self::from_zero(title, high, label);
        axis.ticks.retain(|tick| tick.value <= high);
        Self { high, ..axis }
    }

    /// By orders of magnitude, from at most `low` to at least `high`, both above 0.
    #[must_use]
    pub fn logarithmic(title: impl Into<String>, low: f64, high: f64, label: fn(f64) -> String) -> Self {
        let low = round_down(low.max(1e-9));
        let high = round_up(high.max(low * 1.5));
        let marks = std::iter::successors(Some(low), |mark| Some(round_up(mark * 1.5)));
        let mut ticks: Vec<Tick> =
            marks.take_while(|mark| *mark <= high * 1.01).map(|mark| tick(mark, label)).collect();
        if ticks.len() > MOST_LABELS {
            ticks.retain(|tick| leading_digit(tick.value) < 1.5);
        }
        Self { title: title.into(), ticks, spread: f64::log10, low: low.log10(), high: high.log10() }
    }

    /// Shares of all answers from 0 to 1, each further nine as wide as the one before: what the slowest do is seen
    /// as well as what most do. Ends where one of so many answers makes no difference any more.
    #[must_use]
    pub fn quantiles(title: impl Into<String>, answers: f64) -> Self {
        let high = answers.log10().clamp(1.0, 5.0);
        let spread = |quantile: f64| -(1.0 - quantile).log10();
        let shown = |(quantile, _): &&(f64, &str)| spread(*quantile) <= high + 1e-9;
        let ticks =
            QUANTILES.iter().filter(shown).map(|&(value, label)| Tick { value, label: label.to_owned() });
        Self { title: title.into(), ticks: ticks.collect(), spread, low: 0.0, high }
    }

    /// How far up the axis a value lies, from 0 to 1; what is beyond an end lies at it.
    #[must_use]
    pub fn fraction(&self, value: f64) -> f64 {
        let fraction = ((self.spread)(value) - self.low) / (self.high - self.low);
        if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) }
    }

    /// The value at a fraction of an axis of quantiles.
    #[must_use]
    pub fn quantile_at(&self, fraction: f64) -> f64 {
        1.0 - 10_f64.powf(-fraction * self.high)
    }
}

fn tick(value: f64, label: fn(f64) -> String) -> Tick {
    Tick { value, label: label(value) }
}

/// The next 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let mark = [1.0, 2.0, 5.0].into_iter().find(|mark| value <= mark * power * 1.001);
    mark.unwrap_or(10.0) * power
}

/// The last 1, 2 or 5 times a power of ten.
fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let mark = [5.0, 2.0].into_iter().find(|mark| value >= mark * power * 0.999);
    mark.unwrap_or(1.0) * power
}

fn leading_digit(value: f64) -> f64 {
    value / 10_f64.powf((value * 1.001).log10().floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: f64) -> String {
        format!("{value:.0}")
    }

    #[track_caller]
    fn check(axis: &Axis, labels: &[&str]) {
        let found: Vec<&str> = axis.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(found, labels);
        let (first, last) = (axis.ticks.first().unwrap(), axis.ticks.last().unwrap());
        assert!(axis.fraction(first.value) < 0.01, "{axis:?}");
        assert!(axis.fraction(last.value) <= 1.0, "{axis:?}");
    }

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-9
    }

    #[test]
    fn an_even_axis_has_round_steps() {
        check(&Axis::from_zero("", 94_000.0, plain), &["0", "20000", "40000", "60000", "80000", "100000"]);
        check(&Axis::from_zero("", 11.0, plain), &["0", "5", "10", "15"]);
        check(&Axis::from_zero("", 10.0, plain), &["0", "2", "4", "6", "8", "10"]);
        check(&Axis::until("", 32.0, plain), &["0", "10", "20", "30"]);
        assert!(near(Axis::until("", 32.0, plain).fraction(16.0), 0.5));
        let axis = Axis::from_zero("", 10.0, plain);
        assert!(
            near(axis.fraction(2.5), 0.25)
                && near(axis.fraction(99.0), 1.0)
                && near(axis.fraction(-1.0), 0.0)
        );
    }

    #[test]
    fn nothing_to_show_still_makes_an_axis() {
        assert!(near(Axis::from_zero("", 0.0, plain).fraction(0.0), 0.0));
        assert!(near(Axis::until("", 0.0, plain).fraction(0.0), 0.0));
        let axis = Axis::logarithmic("", 0.0, 0.0, plain);
        assert!(near(axis.fraction(0.0), 0.0) && near(axis.fraction(f64::NAN), 0.0));
    }

    #[test]
    fn orders_of_magnitude_are_equally_wide() {
        let axis = Axis::logarithmic("", 130.0, 900.0, plain);
        check(&axis, &["100", "200", "500", "1000"]);
        assert!(near(axis.fraction(100.0 * 10_f64.sqrt()), 0.5));
        check(&Axis::logarithmic("", 1.0, 9000.0, plain), &["1", "10", "100", "1000", "10000"]);
        check(&Axis::logarithmic("", 200.0, 200.0, plain), &["200", "500"]);
    }

    #[test]
    fn each_nine_is_as_wide_as_the_one_before() {
        let axis = Axis::quantiles("", 20_000.0);
        check(&axis, &["0", "50", "90", "99", "99.9", "99.99"]);
        let width = |from, to| axis.fraction(to) - axis.fraction(from);
        assert!(near(width(0.9, 0.99), width(0.99, 0.999)));
        assert!(near(axis.fraction(1.0), 1.0));
        assert!(near(axis.quantile_at(axis.fraction(0.99)), 0.99));
        check(&Axis::quantiles("", 1e12), &["0", "50", "90", "99", "99.9", "99.99", "99.999"]);
        check(&Axis::quantiles("", 0.0), &["0", "50", "90"]);
    }
}
