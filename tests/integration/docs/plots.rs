//! The plots of `docs/algorithms.md`: the same traffic through each algorithm, drawn by what decides in earnest.
//!
//! `RATEKEEPER_TEST_PLOTS=write` writes them anew; without it they have to be what is committed.

use std::fmt::Write as _;
use std::path::Path;

use ratekeeper::decision::algorithm::Algorithm;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::Hits;
use ratekeeper::decision::state::State;
use ratekeeper::decision::time::Timestamp;

const FILE: &str = "docs/plots/algorithms.svg";

const LIMIT: u32 = 60;
const MINUTE: usize = 60;
const SECONDS: usize = 5 * MINUTE;

/// The beginning of a minute.
const START: u64 = 1_699_920_000;

/// Seconds that one bar stands for.
const BAR: usize = 2;

// The drawing, in pixels.
const WIDTH: usize = 860;
const LEFT: usize = 48;
const TOP: usize = 56;
const PANEL: usize = 118;
const PLOT: usize = 84;
const PLOT_WIDTH: usize = WIDTH - LEFT - 12;

/// What the highest bars and lines come to.
const MOST: u32 = 2 * LIMIT;

/// What came and what passed in each second.
struct Traffic {
    title: &'static str,
    came: Vec<u32>,
    passed: Vec<u32>,
}

/// Requests in each second: a few at any time, a burst on both sides of the first minute's end, a minute of far too many, and one
/// burst after a minute of nothing at all.
fn arrivals(second: usize) -> u32 {
    match second {
        57..=61 => 24,
        0..=119 => u32::from(second.is_multiple_of(4)),
        120..=179 => 3,
        180..=249 => 0,
        250 | 251 => 60,
        _ => 1,
    }
}

impl Traffic {
    fn through(title: &'static str, algorithm: Algorithm, burst: Option<u32>) -> Self {
        let limit = Limit::new(LIMIT, Period::MINUTE).held_by(algorithm);
        let limit = burst.map_or(limit, |burst| limit.with_burst(burst));
        let mut state = State::begin(limit, Timestamp::from_secs(START));
        let mut passes = |now| {
            state.advance(limit, now);
            !state.count(limit, Hits::Take(1), now).over
        };
        let came: Vec<_> = (0..SECONDS).map(arrivals).collect();
        let passed = came.iter().zip(START..).map(|(&count, second)| {
            // They come evenly within their second.
            let at = |index| Timestamp::from_millis(1_000 * second + u64::from(1_000 * index / count));
            u32::try_from((0..count).filter(|&index| passes(at(index))).count()).unwrap()
        });
        let passed = passed.collect();
        Self { title, came, passed }
    }

    fn all() -> [Self; 6] {
        use Algorithm::{FixedWindow, LeakyBucket, SlidingLog, SlidingWindow, TokenBucket};
        [
            Self::through("fixed_window", FixedWindow, None),
            Self::through("sliding_window", SlidingWindow, None),
            Self::through("sliding_log", SlidingLog, None),
            Self::through("token_bucket (burst: 60, as requests_per_unit)", TokenBucket, None),
            Self::through("token_bucket, burst: 15", TokenBucket, Some(15)),
            Self::through("leaky_bucket", LeakyBucket, None),
        ]
    }

    /// What passed in the minute before the end of each second.
    fn of_last_minute(&self) -> impl Iterator<Item = u32> {
        (1..=SECONDS).map(|end| self.passed[end.saturating_sub(MINUTE)..end].iter().sum())
    }

    fn panel(&self, top: usize, svg: &mut String) -> std::fmt::Result {
        writeln!(svg, r#"<g transform="translate({LEFT} {top})">"#)?;
        writeln!(svg, r#"<text class="title" x="0" y="-8">{}</text>"#, self.title)?;
        for hits in [0, LIMIT, MOST] {
            let (y, class) = (y(hits), if hits == LIMIT { "limit" } else { "grid" });
            writeln!(svg, r#"<path class="{class}" d="M0 {y}H{PLOT_WIDTH}"/>"#)?;
            writeln!(svg, r#"<text class="end" x="-6" y="{:.1}">{hits}</text>"#, y + 4.0)?;
        }
        for minute in 0..=SECONDS / MINUTE {
            writeln!(svg, r#"<path class="grid" d="M{:.1} 0V{PLOT}"/>"#, x(minute * MINUTE))?;
        }
        for first in (0..SECONDS).step_by(BAR) {
            let sum = |counts: &[u32]| counts[first..first + BAR].iter().sum::<u32>();
            bar(svg, "denied", first, sum(&self.came))?;
            bar(svg, "passed", first, sum(&self.passed))?;
        }
        let points =
            self.of_last_minute().zip(1..).map(|(hits, end)| format!("{:.1},{:.1}", x(end), y(hits)));
        writeln!(svg, r#"<polyline class="last" points="{}"/>"#, points.collect::<Vec<_>>().join(" "))?;
        writeln!(svg, "</g>")
    }
}

fn bar(svg: &mut String, class: &str, second: usize, hits: u32) -> std::fmt::Result {
    if hits == 0 {
        return Ok(());
    }
    let (left, right, y) = (x(second) + 0.5, x(second + BAR) - 0.5, y(hits.min(MOST)));
    writeln!(svg, r#"<path class="{class}" d="M{left:.1} {PLOT}V{y:.1}H{right:.1}V{PLOT}Z"/>"#)
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn x(second: usize) -> f64 {
    PLOT_WIDTH as f64 * second as f64 / SECONDS as f64
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn y(hits: u32) -> f64 {
    PLOT as f64 * (1.0 - f64::from(hits) / f64::from(MOST))
}

/// Colours that stand out on black and on white; only words and lines of the grid change with the reader's mode.
const STYLE: &str = "\
text { font: 12px sans-serif; fill: #424a53 } .title { font-weight: bold } .end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #8c959f; stroke-opacity: .45; fill: none } .limit { stroke: #cf222e; stroke-dasharray: 5 4; fill: none }
.denied { fill: #d4a72c; fill-opacity: .55 } .passed { fill: #2f81f7 } .last { stroke: #2da44e; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } }
";

fn legend(svg: &mut String) -> std::fmt::Result {
    let colour = |svg: &mut String, left: usize, class: &str, text: &str| {
        let path = match class {
            "last" | "limit" => "m0 6h18",
            _ => "h18v12h-18z",
        };
        writeln!(svg, r#"<path class="{class}" d="M{left} 10{path}"/>"#)?;
        writeln!(svg, r#"<text x="{}" y="20">{text}</text>"#, left + 24)
    };
    colour(svg, LEFT, "passed", "passed")?;
    colour(svg, LEFT + 90, "denied", "denied (on top)")?;
    colour(svg, LEFT + 230, "last", "passed in the last minute")?;
    colour(svg, LEFT + 430, "limit", "the limit: 60 a minute")
}

fn drawing() -> Result<String, std::fmt::Error> {
    let panels = Traffic::all();
    let bottom = TOP + PANEL * panels.len();
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {}" role="img" aria-label="The same traffic through each algorithm">"#,
        bottom + 10
    )?;
    writeln!(svg, "<style>\n{STYLE}</style>")?;
    legend(&mut svg)?;
    for (panel, index) in panels.iter().zip(0..) {
        panel.panel(TOP + PANEL * index, &mut svg)?;
    }
    for minute in 0..=SECONDS / MINUTE {
        let class = if minute * MINUTE == SECONDS { "end" } else { "middle" };
        let label = if minute == 0 { "0 min".to_owned() } else { format!("{minute}") };
        let (left, down) = (LEFT, bottom - PANEL + PLOT + 18);
        writeln!(
            svg,
            r#"<text class="{class}" x="{:.1}" y="{down}">{label}</text>"#,
            x(minute * MINUTE) + left as f64
        )?;
    }
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

#[test]
fn the_plots_are_what_the_code_draws() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let drawn = drawing().unwrap();
    if std::env::var("RATEKEEPER_TEST_PLOTS").as_deref() == Ok("write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "{FILE} is not what the code draws; if that is meant, write it anew with RATEKEEPER_TEST_PLOTS=write"
    );
}

/// What the page says of the plots.
#[test]
fn the_plots_show_what_the_page_says() {
    let most = Traffic::all().map(|traffic| traffic.of_last_minute().max().unwrap());
    assert_eq!(most, [107, 60, 60, 109, 74, 60]);
}
