//! What load to make: the arguments that `ratekeeper bench` and our own benchmarks share.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::frame::FrameTemplate;
use super::keys::KeySpace;
use super::phase::Extent;
use super::target::Target;
use super::zipf::{InvalidExponent, check_exponent};

/// A closed loop, where every stream sends its next request when the last one is answered; or, with a rate, an open
/// one, where requests are due at their time whatever the server does.
#[derive(Debug, Clone, clap::Args)]
pub struct Load {
    /// The server: host:port or unix:/path
    pub target: Target,

    /// Connections to it
    #[arg(short, long, value_name = "N", default_value = "4")]
    pub connections: NonZeroUsize,

    /// Streams on each connection, each with one request under way
    #[arg(short, long, value_name = "N", default_value = "16")]
    pub streams: NonZeroUsize,

    /// Requests per second over all connections, and latency from when each was due; as fast as answers come unless given
    #[arg(long, value_name = "N")]
    pub rate: Option<NonZeroU64>,

    /// Threads that make the load, at most one per connection [default: half of the cores]
    #[arg(short, long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// How long to measure, as in 10s or 500ms
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub duration: Duration,

    /// Measure so many requests, however long they take
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "duration")]
    pub requests: Option<NonZeroU64>,

    /// How long to send requests before measuring
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub warmup: Duration,

    /// Give up when nothing has been answered for so long
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub timeout: Duration,

    /// Size of each descriptor's key space; 1 is one hot key
    #[arg(short, long, value_name = "N", default_value = "10000")]
    pub keys: NonZeroU64,

    /// Draw the key of rank R with a probability proportional to 1/R^S, key 0 being of rank 1; uniformly unless given
    #[arg(long, value_name = "S", value_parser = parse_exponent, allow_negative_numbers = true)]
    pub zipf: Option<f64>,

    /// The requests' domain
    #[arg(long, value_name = "NAME", default_value = "bench")]
    pub domain: String,

    /// The key of every descriptor's one entry
    #[arg(long, value_name = "NAME", default_value = "key")]
    pub entry_key: String,

    /// Descriptors in each request, each with a key space of its own: values are `PLACE-KEY`, as in 0-0042
    #[arg(long, value_name = "N", default_value = "1")]
    pub descriptors: NonZeroUsize,
}

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a number and ms, s or m, as in 500ms, 10s or 2m")]
pub struct InvalidDuration;

impl Load {
    /// What ends the measured phase.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.requests.map_or(Extent::Lasting(self.duration), |requests| Extent::Requests(requests.get()))
    }

    /// How many threads make the load.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        let half_of_the_cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2);
        self.threads.map_or_else(half_of_the_cores, NonZeroUsize::get).clamp(1, self.connections.get())
    }

    /// How long a thread waits for the next answer. At a low rate there is none while none is due, which with threads
    /// that take turns may be twice as long as a round of theirs.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let turns = Duration::from_secs(2 * self.thread_count() as u64);
        let silence = self.rate.map_or(Duration::ZERO, |rate| turns.div_f64(as_f64(rate.get())));
        self.timeout.saturating_add(silence)
    }

    /// What keys are drawn from.
    ///
    /// # Errors
    ///
    /// When the exponent is none to draw with, which the command line has checked already.
    pub fn key_space(&self) -> Result<KeySpace, InvalidExponent> {
        KeySpace::new(self.keys.get(), self.zipf)
    }

    /// The frame that all requests are made from.
    #[must_use]
    pub fn template(&self) -> FrameTemplate {
        let last_key = self.keys.get() - 1;
        let digits = last_key.checked_ilog10().map_or(1, |log| log as usize + 1);
        FrameTemplate::new(&self.domain, &self.entry_key, self.descriptors.get(), digits)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a high rate makes no silence")]
fn as_f64(rate: u64) -> f64 {
    rate as f64
}

fn parse_exponent(text: &str) -> Result<f64, InvalidExponent> {
    check_exponent(text.parse().map_err(|_| InvalidExponent)?)
}

/// A whole number with its unit: `ms`, `s` or `m`.
///
/// # Errors
///
/// When the text is anything else, or too long to count.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(InvalidDuration)?;
    let (number, unit) = text.split_at(unit_at);
    let number = number.parse::<u32>().map_err(|_| InvalidDuration)?;
    match unit {
        "ms" => Ok(Duration::from_millis(number.into())),
        "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(u64::from(number) * 60)),
        _ => Err(InvalidDuration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(parse_duration(text).ok(), expected.map(Duration::from_millis), "{text}");
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        check("500ms", Some(500));
        check("10s", Some(10_000));
        check("2m", Some(120_000));
        check("0s", Some(0));
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in ["", "10", "s", "1h", "1.5s", "-1s", "99999999999s", "1 s"] {
            check(text, None);
        }
    }
}
