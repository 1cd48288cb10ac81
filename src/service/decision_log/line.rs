//! One line of the decision log.

use serde::Serialize;

use super::CallerIds;
use super::redact::{MOST_BYTES, Redaction, Salt, Shown};
use super::rfc3339;
use super::settings::Outcomes;
use crate::decision::key::name::shown;
use crate::decision::request::{Descriptor, Entry, Hits, Request};
use crate::decision::time::Timestamp;
use crate::decision::verdict::{Status, Verdict};

/// Descriptors of a request that a line has at the most; where there are more, those with a wanted outcome.
const MOST_DESCRIPTORS: usize = 32;

/// Bytes after which a line takes no further descriptor.
const MOST_LINE: usize = 16 << 10;

/// What a line is made of.
pub(super) struct Line<'a, 'q, 'v> {
    pub(super) now: Timestamp,
    pub(super) ids: CallerIds<'a>,
    pub(super) request: &'a Request<'q>,
    pub(super) verdict: &'a Verdict<'v>,
    pub(super) outcomes: Outcomes,
    pub(super) redaction: &'a Redaction,
    pub(super) salt: &'a Salt,
}

#[derive(Serialize)]
struct Head<'a> {
    time: String,
    domain: &'a str,
    denied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

#[derive(Serialize)]
struct StatusLine<'a> {
    descriptor: usize,
    entries: Vec<EntryLine>,
    outcome: &'static str,
    decided_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(flatten)]
    limited: Option<LimitLine>,
}

#[derive(Serialize)]
struct LimitLine {
    limit: u32,
    unit: String,
    algorithm: &'static str,
    hits: i64,
    count: u64,
    remaining: u32,
}

#[derive(Default, Serialize)]
struct EntryLine {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Where the value is only the beginning of so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl<'v> Line<'_, '_, 'v> {
    /// The line with its end.
    pub(super) fn written(&self) -> Vec<u8> {
        let head = Head {
            time: rfc3339::written(self.now),
            domain: beginning(self.request.domain),
            denied: self.verdict.denied,
            request_id: self.ids.request_id.map(beginning),
            trace_id: self.ids.trace_id.map(|trace| trace.to_string()),
        };
        let mut line = Vec::with_capacity(512);
        push(&mut line, &head);
        // The statuses go on where the head ends, so that their length is known after each.
        line.pop();
        line.extend(b",\"statuses\":[");
        let mut told = 0;
        for (index, status) in self.chosen() {
            let Some(descriptor) = self.request.descriptors.get(index) else { continue };
            if told > 0 {
                line.push(b',');
            }
            push(&mut line, &self.status(index, descriptor, status));
            told += 1;
            if line.len() > MOST_LINE {
                break;
            }
        }
        line.push(b']');
        let left_out = self.verdict.statuses.len() - told;
        if left_out > 0 {
            line.extend(format!(",\"left_out\":{left_out}").bytes());
        }
        line.extend(b"}\n");
        line
    }

    fn chosen(&self) -> impl Iterator<Item = (usize, &Status<'v>)> {
        let statuses = &self.verdict.statuses;
        let all = statuses.len() <= MOST_DESCRIPTORS;
        let chosen = statuses.iter().enumerate();
        chosen.filter(move |(_, status)| all || self.outcomes.has(status.outcome)).take(MOST_DESCRIPTORS)
    }

    fn status<'s>(&self, index: usize, descriptor: &Descriptor<'_>, status: &Status<'s>) -> StatusLine<'s> {
        let limited = status.limited.map(|limited| LimitLine {
            limit: limited.limit.requests_per_unit,
            unit: limited.limit.period.to_string(),
            algorithm: limited.limit.algorithm.name(),
            hits: match limited.hits {
                Hits::Take(hits) => i64::from(hits),
                Hits::Refund(hits) => -i64::from(hits),
            },
            count: limited.count,
            remaining: limited.remaining,
        });
        StatusLine {
            descriptor: index,
            entries: descriptor.entries.iter().map(|entry| self.entry(*entry)).collect(),
            outcome: status.outcome.name(),
            decided_by: status.limited.map_or("rules", |limited| limited.source.name()),
            rule: status.rule.map(|rule| &*rule.path),
            name: status.name(),
            location: status.rule.map(|rule| rule.location.file_and_line()),
            limited,
        }
    }

    fn entry(&self, entry: Entry<'_>) -> EntryLine {
        let key = shown(&entry.key[..entry.key.len().min(MOST_BYTES)]);
        let line = EntryLine { key, ..EntryLine::default() };
        match self.redaction.show(entry.key, entry.value, self.salt) {
            Shown::Whole(value) => EntryLine { value: Some(value), ..line },
            Shown::Cut(value, bytes) => EntryLine { value: Some(value), bytes: Some(bytes), ..line },
            Shown::Hash(hash) => EntryLine { hash: Some(hash), ..line },
            Shown::Dropped => line,
        }
    }
}

fn push(line: &mut Vec<u8>, part: &impl Serialize) {
    let written = serde_json::to_writer(line, part);
    debug_assert!(written.is_ok(), "texts and numbers always have a JSON form");
}

/// As much of a text as a line has room for.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(MOST_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
