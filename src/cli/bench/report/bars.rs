//! A plot of bars, one to a server: as long as the median, with a whisker from the smallest to the largest.

use std::fmt;

use super::super::spread::Spread;
use super::escape::Escaped;
use super::plot::{Caption, WIDTH};
use super::scale::Axis;

const LEFT: f64 = 8.0;
const RIGHT: f64 = WIDTH - 16.0;
const TOP: f64 = 6.0;
/// A row is a line of text with the bar below.
const ROW: f64 = 56.0;
const BAR: f64 = 20.0;
const TEXT: f64 = 22.0;
const FOOT: f64 = 46.0;

/// About what fits beside the value; the page names the server in full elsewhere.
const LONGEST_NAME: usize = 32;

/// A plot.
#[derive(Debug)]
pub struct BarPlot {
    /// What it shows.
    pub caption: Caption,
    /// From left to right.
    pub axis: Axis,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// A server's bar.
#[derive(Debug)]
pub struct Bar {
    /// The server's place, which gives the colour.
    pub server: usize,
    /// What to call it.
    pub name: String,
    /// The value as people read it.
    pub value: String,
    /// How long it is.
    pub spread: Spread,
}

impl BarPlot {
    fn x_of(&self, value: f64) -> f64 {
        LEFT + self.axis.fraction(value) * (RIGHT - LEFT)
    }

    fn write_axis(&self, f: &mut fmt::Formatter<'_>, bottom: f64) -> fmt::Result {
        for tick in &self.axis.ticks {
            let (x, label) = (self.x_of(tick.value), Escaped(&tick.label));
            writeln!(f, r#"<line class="grid" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom}"/>"#)?;
            writeln!(f, r#"<text class="middle" x="{x:.1}" y="{}">{label}</text>"#, bottom + 18.0)?;
        }
        let (y, title) = (bottom + FOOT - 6.0, Escaped(&self.axis.title));
        writeln!(f, r#"<text class="axis end" x="{RIGHT}" y="{y}">{title}</text>"#)
    }

    fn write_bar(&self, f: &mut fmt::Formatter<'_>, bar: &Bar, top: f64) -> fmt::Result {
        let (server, text, y) = (bar.server, top + TEXT - 6.0, top + TEXT);
        let (name, value) = (shortened(&bar.name), Escaped(&bar.value));
        writeln!(f, r#"<text x="{LEFT}" y="{text}">{}</text>"#, Escaped(&name))?;
        writeln!(f, r#"<text class="end" x="{RIGHT}" y="{text}">{value}</text>"#)?;
        let width = self.x_of(bar.spread.median) - LEFT;
        writeln!(f, r#"<rect class="bar s{server}" x="{LEFT}" y="{y}" width="{width:.1}" height="{BAR}"/>"#)?;
        let (min, max) = (self.x_of(bar.spread.min), self.x_of(bar.spread.max));
        let (upper, middle, lower) = (y + 4.0, y + BAR / 2.0, y + BAR - 4.0);
        writeln!(
            f,
            r#"<path class="whisker" d="M{min:.1} {upper}V{lower}M{min:.1} {middle}H{max:.1}M{max:.1} {upper}V{lower}"/>"#
        )
    }
}

impl fmt::Display for BarPlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tops = std::iter::successors(Some(TOP), |top| Some(top + ROW));
        let bottom = tops.clone().nth(self.bars.len()).unwrap_or(TOP);
        self.caption.begin(f, bottom + FOOT)?;
        self.write_axis(f, bottom)?;
        self.bars.iter().zip(tops).try_for_each(|(bar, top)| self.write_bar(f, bar, top))?;
        Caption::end(f)
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}
