//! `metrics`: what of them goes beyond the usual.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Address;
use super::quantity::serialize_duration;
use super::section::{Known, Section, put, read_section};
use crate::config::decode::{Decoder, Field, Optional};
use crate::config::diagnostic::quote;

/// No page and no receiver is meant for more names.
const MAX_LABEL_VALUES: u32 = 100_000;

/// Receivers add up what comes within ten seconds or a minute.
const FLUSH_INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(10);

/// More tags, or longer ones, would leave no room in a datagram.
const MAX_TAGS: usize = 16;
const MAX_TAG: usize = 64;

/// What goes beyond the usual metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// Whether upstream's statistics are kept and shown too, under its names.
    pub upstream_names: bool,
    /// How many names there may be that have values of requests in them; all others are one.
    pub max_label_values: u32,
    /// Where figures are sent.
    pub statsd: Statsd,
}

/// Where figures are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statsd {
    /// The receiver; nothing is sent without one.
    #[serde(serialize_with = "serialize_address")]
    pub address: Option<Address>,
    /// The form of lines.
    pub format: StatsdFormat,
    /// The time between two flushes.
    #[serde(serialize_with = "serialize_duration")]
    pub flush_interval: Duration,
    /// What every line carries.
    pub tags: BTreeMap<String, String>,
}

/// The form of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatsdFormat {
    /// Tags in names, as upstream has them.
    Statsd,
    /// Tags behind lines.
    DogStatsd,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { upstream_names: false, max_label_values: 1_000, statsd: Statsd::default() }
    }
}

impl Default for Statsd {
    fn default() -> Self {
        let (address, tags) = (None, BTreeMap::new());
        Self { address, format: StatsdFormat::Statsd, flush_interval: Duration::from_secs(10), tags }
    }
}

impl Section for Metrics {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "upstream_names" => put(&mut self.upstream_names, decoder.truth(field)),
            "max_label_values" => put(&mut self.max_label_values, decoder.whole(field, 0..=MAX_LABEL_VALUES)),
            "statsd" => read_section(decoder, field, &mut self.statsd),
            _ => Known::No,
        }
    }
}

impl Section for Statsd {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        let formats = [("statsd", StatsdFormat::Statsd), ("dogstatsd", StatsdFormat::DogStatsd)];
        match field.name {
            "address" => put(&mut self.address, address(decoder, field)),
            "format" => put(&mut self.format, decoder.choice(field, &formats)),
            "flush_interval" => put(&mut self.flush_interval, decoder.duration(field, FLUSH_INTERVAL)),
            "tags" => put(&mut self.tags, tags(decoder, field)),
            _ => Known::No,
        }
    }
}

fn serialize_address<S: Serializer>(address: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_str(""),
    }
}

/// An empty text is no address, and nothing is sent.
fn address(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Option<Address>> {
    if decoder.text(field)?.is_none_or(|text| text.is_empty()) {
        return Ok(Some(None));
    }
    match decoder.address(field)? {
        Some(Address::Unix(_) | Address::Tcp { port: 0, .. }) => {
            let message = "StatsD is sent over UDP, to a host and port";
            Err(decoder.refuse(field, message, "write `host:port`, such as `127.0.0.1:8125`"))
        }
        found => Ok(Some(found)),
    }
}

fn tags(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<BTreeMap<String, String>> {
    let Some(pairs) = decoder.pairs(field)? else { return Ok(None) };
    if pairs.len() > MAX_TAGS {
        let help = "keep those that tell one deployment from another";
        return Err(decoder.refuse(field, format!("more than {MAX_TAGS} tags"), help));
    }
    for (key, value) in &pairs {
        let (key, value) = if is_tag(key) { ("value", value) } else { ("name", key) };
        if !is_tag(value) {
            let message = format!("a tag cannot have the {key} {}", quote(value));
            let help = format!("write 1 to {MAX_TAG} letters, digits, `.`, `-`, `_` and `/`");
            return Err(decoder.refuse(field, message, help));
        }
    }
    Ok(Some(pairs.into_iter().collect()))
}

fn is_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte);
    (1..=MAX_TAG).contains(&text.len()) && text.bytes().all(fits)
}
