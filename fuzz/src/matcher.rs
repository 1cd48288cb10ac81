//! Rules and requests, a line each. A line that begins with `?` is a request, its entries between `|`:
//!
//! ```text
//! path=/api/*
//!  -user
//! ?path=/api/login|user=ada
//! ```
//!
//! Any other line is a descriptor, a level below the line above that has fewer spaces in front; `-` means no limit and
//! `~` a shared counter. The compiled matcher must find what the naive one does, and count it under the same entries.

// One file for both, so that there is one naive matcher.
#[path = "../../src/decision/rules/naive.rs"]
mod naive;

use std::collections::HashSet;
use std::iter::Peekable;
use std::sync::Arc;

use ratekeeper::decision::cost::Cost;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::Entry;
use ratekeeper::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use ratekeeper::decision::rules::{CompileError, RuleSet};

const DOMAIN: &str = "d";

/// The grammar takes no more, and walking the rules recurses.
const MAX_SPACES: usize = 64;

/// One line that is no request.
struct Line {
    spaces: usize,
    spec: DescriptorSpec,
}

/// Holds the compiled matcher to the naive one for this input.
pub fn check(input: &[u8]) {
    let lines = || input.split(|byte| *byte == b'\n').zip(1..);
    let rules = lines().filter(|(text, _)| !text.starts_with(b"?"));
    let written = level(&mut rules.map(|(text, number)| line(text, number)).peekable(), None);
    let level = without_duplicates(written.clone());
    let rules = compile(&level).expect("no two siblings are the same");
    assert_eq!(compile(&written).is_ok(), written == level, "siblings that are the same are refused");
    for request in lines().filter_map(|(text, _)| text.strip_prefix(b"?")) {
        check_request(&level, &rules, &entries(request));
    }
}

fn check_request(level: &[DescriptorSpec], rules: &RuleSet, entries: &[Entry<'_>]) {
    let decides = |spec: &DescriptorSpec| spec.limit.is_some() || spec.descriptors.is_empty();
    let expected = naive::find(level, entries).filter(|path| path.last().is_some_and(|spec| decides(spec)));
    let found = rules.find(DOMAIN, entries);
    let place = expected.as_ref().and_then(|path| Some(path.last()?.location.clone()));
    assert_eq!(found.map(|rule| &rule.location), place.as_ref(), "{entries:?}");
    if let (Some(rule), Some(path)) = (found, expected) {
        let counted: Vec<_> = rule.counter_entries(entries).collect();
        let as_told: Vec<_> =
            path.iter().zip(entries).map(|(spec, entry)| counted_entry(spec, entry)).collect();
        assert_eq!(counted, as_told, "{entries:?}");
        assert_eq!(rule.shares_counters(), path.iter().any(|spec| spec.share_threshold));
    }
    assert!(rules.find("another", entries).is_none());
}

fn counted_entry<'a>(spec: &'a DescriptorSpec, entry: &Entry<'a>) -> Entry<'a> {
    let pattern = spec.value.as_deref().filter(|_| spec.share_threshold);
    Entry { key: entry.key, value: pattern.map_or(entry.value, str::as_bytes) }
}

fn compile(level: &[DescriptorSpec]) -> Result<RuleSet, CompileError> {
    RuleSet::compile(&[DomainSpec { name: DOMAIN.into(), descriptors: level.to_vec() }])
}

/// The lines that are more to the right than `above`, up to the next that is not.
fn level(lines: &mut Peekable<impl Iterator<Item = Line>>, above: Option<usize>) -> Vec<DescriptorSpec> {
    let mut found = Vec::new();
    while let Some(Line { spaces, mut spec }) =
        lines.next_if(|line| above.is_none_or(|above| line.spaces > above))
    {
        spec.descriptors = level(lines, Some(spaces));
        found.push(spec);
    }
    found
}

fn line(text: &[u8], number: u32) -> Line {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    let text = String::from_utf8_lossy(&text[spaces..]);
    let marks = text.len() - text.trim_start_matches(['-', '~']).len();
    let (marks, text) = text.split_at(marks);
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let quota = QuotaSpec::Counted(Limit::new(1, Period::HOUR));
    let limit = LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN };
    let location = Location { file: Arc::default(), line: number, column: 1 };
    let spec = DescriptorSpec {
        value: (!value.is_empty()).then(|| value.to_owned()),
        limit: (!marks.contains('-')).then_some(limit),
        share_threshold: marks.contains('~') && value.contains('*'),
        ..DescriptorSpec::new(key, location)
    };
    Line { spaces: spaces.min(MAX_SPACES), spec }
}

fn without_duplicates(mut level: Vec<DescriptorSpec>) -> Vec<DescriptorSpec> {
    let mut seen = HashSet::new();
    level.retain(|spec| seen.insert((spec.key.clone(), spec.value.clone())));
    for spec in &mut level {
        spec.descriptors = without_duplicates(std::mem::take(&mut spec.descriptors));
    }
    level
}

fn entries(request: &[u8]) -> Vec<Entry<'_>> {
    let entry = |text| {
        let (key, value) = split_at_first(text, b'=');
        Entry { key, value }
    };
    request.split(|byte| *byte == b'|').map(entry).collect()
}

fn split_at_first(text: &[u8], sign: u8) -> (&[u8], &[u8]) {
    let at = text.iter().position(|byte| *byte == sign);
    at.map_or((text, b""), |at| (&text[..at], &text[at + 1..]))
}
