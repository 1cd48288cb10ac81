//! A plot of lines, one colour to a server, as an SVG within a page of HTML.

use std::fmt;

use super::escape::Escaped;
use super::scale::Axis;

/// Units of the drawing, which the page makes as wide as it likes; texts are 13 of them high, so that they can still be
/// read where a phone shows the whole width on 360 pixels.
pub const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = WIDTH - 28.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// With more numbers than that one would hide the other.
const MOST_MARKS: usize = 27;

/// A plot.
#[derive(Debug)]
pub struct LinePlot {
    /// What it shows.
    pub caption: Caption,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// Whether lines have the numbers of their servers.
    pub marked: bool,
    /// What is drawn.
    pub lines: Vec<Line>,
}

/// The words around a plot.
#[derive(Debug)]
pub struct Caption {
    /// Names it within the page.
    pub id: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// How to read it.
    pub note: &'static str,
    /// What is to be seen in it, for those who do not see it.
    pub description: String,
}

/// A line of a server.
#[derive(Debug)]
pub struct Line {
    /// The server's place, which gives the colour.
    pub server: usize,
    /// Where it goes, as values of the axes.
    pub points: Vec<(f64, f64)>,
}

impl LinePlot {
    fn x_of(&self, value: f64) -> f64 {
        LEFT + self.x.fraction(value) * (RIGHT - LEFT)
    }

    fn y_of(&self, value: f64) -> f64 {
        BOTTOM - self.y.fraction(value) * (BOTTOM - TOP)
    }

    fn write_axes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tick in &self.y.ticks {
            let y = self.y_of(tick.value);
            writeln!(f, r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}"/>"#)?;
            let (x, y, label) = (LEFT - 8.0, y + 4.5, Escaped(&tick.label));
            writeln!(f, r#"<text class="end" x="{x}" y="{y:.1}">{label}</text>"#)?;
        }
        for tick in &self.x.ticks {
            let (x, label) = (self.x_of(tick.value), Escaped(&tick.label));
            writeln!(f, r#"<line class="grid" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{BOTTOM}"/>"#)?;
            writeln!(f, r#"<text class="middle" x="{x:.1}" y="{}">{label}</text>"#, BOTTOM + 18.0)?;
        }
        let (x, y) = (Escaped(&self.x.title), Escaped(&self.y.title));
        writeln!(f, r#"<text class="axis end" x="{RIGHT}" y="{}">{x}</text>"#, HEIGHT - 6.0)?;
        writeln!(f, r#"<text class="axis" x="4" y="14">{y}</text>"#)
    }

    fn write_line(&self, f: &mut fmt::Formatter<'_>, Line { server, points }: &Line) -> fmt::Result {
        // Dashes would look like gaps in a line as short as a turn.
        let solid = if self.marked { " solid" } else { "" };
        write!(f, r#"<polyline class="line{solid} s{server}" points=""#)?;
        for (x, y) in points {
            write!(f, "{:.1},{:.1} ", self.x_of(*x), self.y_of(*y))?;
        }
        writeln!(f, r#""/>"#)
    }

    /// The server's number where the line begins.
    fn write_mark(&self, f: &mut fmt::Formatter<'_>, Line { server, points }: &Line) -> fmt::Result {
        let Some((x, y)) = points.first() else { return Ok(()) };
        let (x, y, number) = (self.x_of(*x), self.y_of(*y), server + 1);
        // Above the line, or below it where the axis has its title.
        let y = if y < TOP + 10.0 { y + 15.0 } else { y - 6.0 };
        writeln!(f, r#"<text class="mark s{server}" x="{x:.1}" y="{y:.1}">{number}</text>"#)
    }
}

impl fmt::Display for LinePlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.caption.begin(f, HEIGHT)?;
        self.write_axes(f)?;
        self.lines.iter().try_for_each(|line| self.write_line(f, line))?;
        if self.marked && self.lines.len() <= MOST_MARKS {
            self.lines.iter().try_for_each(|line| self.write_mark(f, line))?;
        }
        Caption::end(f)
    }
}

impl Caption {
    /// Everything of a figure before its drawing; the title and the description are read to those who do not see it.
    pub(super) fn begin(&self, f: &mut fmt::Formatter<'_>, height: f64) -> fmt::Result {
        let Self { id, title, note, description } = self;
        let (title, note, description) = (Escaped(title), Escaped(note), Escaped(description));
        writeln!(f, "<figure>\n<figcaption>{title}<span>{note}</span></figcaption>")?;
        writeln!(
            f,
            r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{id}-title {id}-text">"#
        )?;
        writeln!(f, r#"<title id="{id}-title">{title}</title>"#)?;
        writeln!(f, r#"<desc id="{id}-text">{description}</desc>"#)
    }

    /// Everything after it.
    pub(super) fn end(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "</svg>\n</figure>")
    }
}
