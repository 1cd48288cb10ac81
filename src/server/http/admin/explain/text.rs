//! An explanation for people.

use std::fmt::Write as _;

use crate::decision::algorithm::Algorithm;

use super::page::{CounterPage, DescriptorPage, ExplainPage, NowPage, RulePage, StepPage};

impl ExplainPage {
    /// The explanation in words, each descriptor under its entries.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("domain {}\n", self.domain);
        for descriptor in &self.descriptors {
            text.push('\n');
            push_descriptor(&mut text, descriptor);
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            push_line(&mut text, "note", note);
        }
        text
    }
}

// Writing to a string cannot fail.

fn push_descriptor(text: &mut String, descriptor: &DescriptorPage) {
    let _ = writeln!(
        text,
        "{}",
        if descriptor.entries.is_empty() { "(no entries)" } else { &descriptor.entries }
    );
    for (step, number) in descriptor.steps.iter().zip(1..) {
        push_step(text, step, number);
    }
    match &descriptor.rule {
        Some(rule) => push_line(text, "rule", &in_words(rule)),
        None => push_line(text, "rule", "none: it passes, and nothing is counted"),
    }
    let optional = [("why", &descriptor.why), ("help", &descriptor.help)];
    for (name, value) in optional {
        if let Some(value) = value {
            push_line(text, name, value);
        }
    }
    match descriptor.outcome.as_str() {
        "no_limit" => push_line(text, "limit", "none: the rule has no rate_limit, and lets everything pass"),
        "unlimited" => push_line(text, "limit", "unlimited: everything passes, and nothing is counted"),
        _ => {}
    }
    if let Some(by) = &descriptor.replaced_by {
        let by = format!("by {}, which another descriptor meets: this one passes uncounted", in_words(by));
        push_line(text, "replaced", &by);
    }
    for (index, counter) in descriptor.counter.iter().chain(&descriptor.further_counters).enumerate() {
        push_counter(text, counter, index > 0);
    }
}

fn push_step(text: &mut String, step: &StepPage, number: usize) {
    let taken = match &step.taken {
        Some(taken) => {
            let by = match taken.by.as_str() {
                "value" => "by its value",
                "pattern" => "by a pattern",
                _ => "the key's default",
            };
            format!("leads to {} ({}), {by}", taken.path, taken.location)
        }
        None => "leads nowhere".to_owned(),
    };
    let _ = writeln!(text, "  {number}. {} {taken}", step.entry);
    for candidate in &step.candidates {
        let to = candidate.leads_to.as_ref().filter(|to| **to != candidate.path);
        let to = to.map_or_else(String::new, |to| format!("; it would lead to {to}"));
        let _ =
            writeln!(text, "     close: {} ({}) {}{to}", candidate.path, candidate.location, candidate.why);
    }
    if step.more_candidates > 0 {
        let _ = writeln!(text, "     and {} more", step.more_candidates);
    }
}

/// Adds a counter, and what is the same for all counters of a rule with the first of them alone.
fn push_counter(text: &mut String, counter: &CounterPage, is_further: bool) {
    let part = counter.whole_limit.map_or_else(String::new, |whole| {
        format!(": this deployment's part of {whole} (counting.limit_share)")
    });
    let name = counter.name.as_ref().map_or_else(String::new, |name| format!(", named {name}"));
    let limit = if is_further { "and" } else { "limit" };
    push_line(text, limit, &format!("{} per {}{}{part}{name}", counter.limit, counter.unit, held(counter)));
    if counter.overdraft {
        push_line(text, "mode", "overdraft: hits that are denied are taken all the same");
    }
    if counter.hits_multiplier.is_some() || counter.max_hits.is_some() {
        let each = counter.hits_multiplier.unwrap_or(1);
        let most =
            counter.max_hits.map_or_else(String::new, |most| format!(", {most} for a request at the most"));
        push_line(text, "cost", &format!("{each} for each hit{most}"));
    }
    let modes = [
        (counter.shadow_mode, "in shadow mode: counted, never denied"),
        (counter.quota_mode, "in quota mode: denies only together with all others that are"),
        (counter.shared, "all values that match the pattern share the counter"),
    ];
    for (_, mode) in modes.into_iter().filter(|(on, _)| *on && !is_further) {
        push_line(text, "mode", mode);
    }
    push_line(text, "counter", counter.redis_key.as_ref().unwrap_or(&counter.key));
    if let Some(hashed) = &counter.hashed {
        push_line(text, "hashed", hashed);
    }
    if counter.redis_key.is_some() && !is_further {
        push_line(text, "away", &format!("{} while the store does not answer", counter.on_store_failure));
    }
    if let Some(now) = &counter.now {
        push_line(text, "now", &in_words_now(now, counter));
    }
}

/// What a counter has at present.
fn in_words_now(now: &NowPage, counter: &CounterPage) -> String {
    let (count, remaining, reset, next) = match now {
        NowPage::Read { count, remaining, reset_seconds, next_seconds } => {
            (count, remaining, reset_seconds, next_seconds)
        }
        NowPage::Unread { not_read } => return format!("not read: {not_read}"),
    };
    let is_window = counter.algorithm == Algorithm::FixedWindow.name();
    // Of a window both are its end.
    let next = next.filter(|_| !is_window).map_or_else(String::new, |next| format!(", next in {next} s"));
    let reset = match reset {
        Some(seconds) if is_window => format!(", begins anew in {seconds} s"),
        Some(seconds) => format!(", empty again in {seconds} s"),
        None => String::new(),
    };
    format!("{count} counted, {remaining} remaining{next}{reset}")
}

/// How a limit is held, where that is no fixed window.
fn held(counter: &CounterPage) -> String {
    let burst = counter.burst.filter(|_| counter.algorithm == Algorithm::TokenBucket.name());
    match burst {
        _ if counter.algorithm == Algorithm::FixedWindow.name() => String::new(),
        Some(burst) => format!(" by {}, burst {burst}", counter.algorithm),
        None => format!(" by {}", counter.algorithm),
    }
}

fn in_words(rule: &RulePage) -> String {
    let name = rule.name.as_ref().map_or_else(String::new, |name| format!(", named {name}"));
    format!("{} ({}){name}", rule.path, rule.location)
}

fn push_line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<8} {value}");
}
