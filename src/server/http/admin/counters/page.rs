//! What is asked about counters and what is answered, as whoever asks over HTTP writes and reads it.
//!
//! `ratekeeper counters` is one of those, and shares these types. What end users have chosen stands in them as printable ASCII
//! with `%XX` for anything else; names of domains and rules are the operator's.

use serde::{Deserialize, Serialize};

use crate::decision::key::name::shown;
use crate::service::counters::{Besides, Foreign, FoundCounter, FoundRule, Page, Reset};
use crate::storage::inspect::Unread;

/// The parameters of `GET /counters`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only counters of this domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Only those of the rule with this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Only those whose entries, or whose key, begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only those whose limit is held so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// About how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The parameters of `GET /counter`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterQuery {
    /// The counter's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Its entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<String>,
    /// Its unit, where requests bring their limit along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How its limit is held, where that is to say which one of a rule's is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
}

/// The body of `POST /counters/reset`: one counter as in [`CounterQuery`], or a filter as in [`ListQuery`] and `all`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetQuery {
    /// The counter's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The domain, of the counter or of all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The counter's entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<String>,
    /// The counter's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The rule of all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How all of them begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How the limit of the counter, or of all of them, is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// That all are meant, and not one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Where the reset before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Some counters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CounterPage {
    /// The counters.
    pub counters: Vec<CounterLine>,
    /// What is in the place of counters and is none.
    pub foreign: Vec<ForeignLine>,
    /// Shards that did not answer.
    pub not_read: Vec<UnreadLine>,
    /// Where the next page begins; `null` at the end.
    pub cursor: Option<String>,
}

/// What a reset has done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResetPage {
    /// Counters that were there.
    pub reset: usize,
    /// What was left alone because it is no counter.
    pub foreign: Vec<ForeignLine>,
    /// Shards that did not answer.
    pub not_read: Vec<UnreadLine>,
    /// Where to go on; `null` at the end.
    pub cursor: Option<String>,
    /// How long other replicas may go on to deny, from memory.
    pub others_may_deny_for_seconds: f64,
}

/// One counter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CounterLine {
    /// Its key in the store, without the prefix.
    pub key: String,
    /// Its domain.
    pub domain: String,
    /// Its entries.
    pub entries: String,
    /// How its limit is held.
    pub algorithm: String,
    /// Its unit.
    pub unit: String,
    /// Whole hits that it holds now; of a bucket without a known limit those that it held when it was used last.
    pub count: u64,
    /// Hits that pass in a window; `null` where no rule is known for certain.
    pub limit: Option<u32>,
    /// Hits that it holds at the most: the limit, or a bucket's burst; `null` where no limit is known.
    pub capacity: Option<u32>,
    /// Hits that are left; `null` where no limit is known.
    pub remaining: Option<u32>,
    /// Seconds until the window ends, or until nothing is held any more; `null` of a bucket without a known limit.
    pub reset_seconds: Option<u64>,
    /// Seconds until a request of one hit passes, where none would now; `null` where one would, where none ever will, and where no limit is
    /// known.
    #[serde(default)]
    pub next_seconds: Option<u64>,
    /// The shard that it lives on; `null` in the process's memory.
    pub shard: Option<String>,
    /// The rule that counts in it.
    pub rule: Option<RuleLine>,
    /// The rules that may be counting in it, where a hash in the key leaves open which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible_rules: Vec<RuleLine>,
    /// Why there is no count, where something else is in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleLine {
    /// Its path.
    pub path: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its file, line and column.
    pub location: String,
    /// Whether it never denies.
    pub shadow_mode: bool,
}

/// Something that is no counter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForeignLine {
    /// Its key.
    pub key: String,
    /// The shard that it lives on.
    pub shard: Option<String>,
    /// Why it is none.
    pub why: String,
}

/// A shard that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadLine {
    /// Its address.
    pub shard: String,
    /// Why.
    pub why: String,
}

impl From<Page> for CounterPage {
    fn from(page: Page) -> Self {
        let (foreign, not_read) = lines(page.besides);
        let counters = page.counters.into_iter().map(CounterLine::from).collect();
        Self { counters, foreign, not_read, cursor: page.next.map(|next| next.to_string()) }
    }
}

impl From<Reset> for ResetPage {
    fn from(reset: Reset) -> Self {
        let (foreign, not_read) = lines(reset.besides);
        Self {
            reset: reset.counters,
            foreign,
            not_read,
            cursor: reset.next.map(|next| next.to_string()),
            others_may_deny_for_seconds: reset.believed_elsewhere_for.as_secs_f64(),
        }
    }
}

impl From<FoundCounter> for CounterLine {
    fn from(counter: FoundCounter) -> Self {
        let limit = counter.limit();
        let mut rules: Vec<RuleLine> = counter.rules.into_iter().map(RuleLine::from).collect();
        let rule = if rules.len() == 1 { rules.pop() } else { None };
        Self {
            key: format!("{:?}", counter.key),
            domain: counter.domain,
            entries: counter.entries,
            algorithm: counter.algorithm.name().to_owned(),
            unit: counter.period.to_string(),
            count: counter.count,
            limit: limit.map(|limit| limit.requests_per_unit),
            capacity: limit.map(|limit| limit.burst),
            remaining: limit.map(|limit| limit.remaining(counter.count)),
            reset_seconds: counter.reset_seconds,
            next_seconds: counter.next_seconds,
            shard: counter.shard.map(|shard| shard.to_string()),
            rule,
            possible_rules: rules,
            foreign: counter.foreign.map(|why| why.to_string()),
        }
    }
}

impl From<FoundRule> for RuleLine {
    fn from(rule: FoundRule) -> Self {
        Self {
            path: rule.path.into(),
            name: rule.name.map(Into::into),
            location: rule.location.to_string(),
            shadow_mode: rule.shadow_mode,
        }
    }
}

fn lines(besides: Besides) -> (Vec<ForeignLine>, Vec<UnreadLine>) {
    let foreign = |Foreign { key, shard, why }: Foreign| ForeignLine {
        key: as_it_stands(&key),
        shard: shard.map(|shard| shard.to_string()),
        why: why.to_string(),
    };
    let unread = |Unread { shard, why }: Unread| UnreadLine { shard: shard.to_string(), why };
    let foreign = besides.foreign.into_iter().map(foreign).collect();
    (foreign, besides.unread.into_iter().map(unread).collect())
}

/// Characters of a foreign key that are shown.
const MOST_SHOWN: usize = 300;

/// A key whose structure is to be seen, where it is safe.
fn as_it_stands(key: &[u8]) -> String {
    let safe = |byte: &u8| byte.is_ascii_graphic();
    let text = if key.iter().all(safe) { String::from_utf8_lossy(key).into_owned() } else { shown(key) };
    match text.get(..MOST_SHOWN) {
        Some(beginning) if text.len() > MOST_SHOWN => format!("{beginning}…"),
        _ => text,
    }
}
