//! The loads that servers are measured under: how many callers, and what they ask for.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use ratekeeper::cli::bench::target::Target;
use ratekeeper::cli::bench::{self, Load, Report};

/// How long a server is warmed up before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub(crate) struct Callers {
    /// Connections to a server
    #[arg(long, default_value = "4")]
    pub(crate) connections: NonZeroUsize,
    /// Streams on each connection
    #[arg(long, default_value = "16")]
    pub(crate) streams: NonZeroUsize,
}

/// Which keys are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Keys {
    /// Size of each descriptor's key space; 1 is one hot key.
    pub(crate) space: NonZeroU64,
    /// The exponent of Zipf's law, where they are not drawn uniformly.
    pub(crate) zipf: Option<f64>,
}

/// The arguments of `ratekeeper bench`, read for their defaults.
#[derive(Debug, Parser)]
struct Defaults {
    #[command(flatten)]
    load: Load,
}

impl Callers {
    pub(crate) fn new(connections: usize, streams: usize) -> Option<Self> {
        Some(Self { connections: NonZeroUsize::new(connections)?, streams: NonZeroUsize::new(streams)? })
    }

    /// Requests under way at once.
    pub(crate) fn count(self) -> usize {
        self.connections.get() * self.streams.get()
    }
}

impl Keys {
    pub(crate) const fn uniform(space: NonZeroU64) -> Self {
        Self { space, zipf: None }
    }

    /// Whether most requests ask for few keys.
    pub(crate) fn are_hot(self) -> bool {
        self.space.get() == 1 || self.zipf.is_some()
    }
}

/// Ten thousand keys, so that counters are there after a short while.
pub(crate) const SOME_KEYS: Keys = Keys::uniform(NonZeroU64::new(10_000).unwrap());

/// A closed loop of these callers, with one descriptor each, for so long.
pub(crate) fn load(
    target: &Target,
    callers: Callers,
    keys: Keys,
    duration: Duration,
) -> anyhow::Result<Load> {
    let Callers { connections, streams } = callers;
    let defaults = defaults(target)?;
    Ok(Load {
        connections,
        streams,
        keys: keys.space,
        zipf: keys.zipf,
        duration,
        warmup: WARM_UP,
        ..defaults
    })
}

/// A single request.
pub(crate) fn probe(target: &Target) -> anyhow::Result<Load> {
    let one = Callers { connections: NonZeroUsize::MIN, streams: NonZeroUsize::MIN };
    let load = load(target, one, Keys::uniform(NonZeroU64::MIN), Duration::ZERO)?;
    let requests = Some(NonZeroU64::MIN);
    Ok(Load { requests, warmup: Duration::ZERO, timeout: Duration::from_secs(1), ..load })
}

/// Makes the load, all of it; a server that goes away meanwhile has no figures.
pub(crate) fn measure(load: &Load, pid: Option<u32>) -> anyhow::Result<Report> {
    let report = bench::measure(load, pid)?;
    ensure!(report.lost.is_none(), "the server at {} was lost on the way:\n{report}", load.target);
    Ok(report)
}

fn defaults(target: &Target) -> anyhow::Result<Load> {
    let arguments = ["bench", &target.to_string()].map(str::to_owned);
    Ok(Defaults::try_parse_from(arguments).context("the load's defaults cannot be read")?.load)
}

/// A number of keys, and behind a colon the exponent of Zipf's law: `10000` or `10000:1.1`.
impl FromStr for Keys {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (space, zipf) = match text.split_once(':') {
            Some((space, exponent)) => (space, Some(exponent.parse().context("no exponent")?)),
            None => (text, None),
        };
        Ok(Self { space: space.parse().context("no number of keys")?, zipf })
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.space.get(), self.zipf) {
            (1, _) => f.write_str("hot: always the same key"),
            (many, None) => write!(f, "uniform: one of {many} keys"),
            (many, Some(exponent)) => write!(f, "Zipf {exponent}: one of {many} keys"),
        }
    }
}

impl fmt::Display for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections × {} streams", self.connections, self.streams)
    }
}
