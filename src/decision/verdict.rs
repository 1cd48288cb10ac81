//! From what a store counted to the answer: a status for each descriptor, folded into one verdict.

use std::cmp::Reverse;
use std::time::Duration;

use smallvec::SmallVec;

use crate::decision::fixed_window;
use crate::decision::hit::{Hit, HitAnswer, Leniency, Source};
use crate::decision::limit::Limit;
use crate::decision::plan::{Match, Plan, Uncounted};
use crate::decision::request::Hits;
use crate::decision::rules::Rule;
use crate::decision::time::Timestamp;

/// The answer to one request; borrows the rules that decided.
#[derive(Debug, Clone)]
pub struct Verdict<'r> {
    /// Whether the request must not pass.
    pub denied: bool,
    /// Whether it passes only because the whole service is in shadow mode.
    pub spared: bool,
    /// One for each descriptor, in the request's order.
    pub statuses: SmallVec<[Status<'r>; 2]>,
}

/// The answer for one descriptor.
#[derive(Debug, Clone, Copy)]
pub struct Status<'r> {
    /// The rule that it met, whether or not it counted.
    pub rule: Option<&'r Rule>,
    /// What came of it.
    pub outcome: Outcome,
    /// The limit that it was held against, where there was one; of several the one that is told of.
    pub limited: Option<Limited>,
}

/// What a limited descriptor tells of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// The limit.
    pub limit: Limit,
    /// Hits that would still pass now.
    pub remaining: u32,
    /// Whole seconds until the window is over; of a meter as [`Reading::reset`](crate::decision::reading::Reading::reset) has it.
    pub until_reset: Duration,
    /// What was asked to be counted.
    pub hits: Hits,
    /// The count with them, as far as it is known.
    pub count: u64,
    /// What decided.
    pub source: Source,
    /// Which one of its rule's limits it is, from 0.
    pub number: usize,
}

/// What came of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No rule matched.
    NoRule,
    /// The rule has no limit.
    Allowed,
    /// The rule says `unlimited`.
    Unlimited,
    /// Another matched rule replaces this one.
    Replaced,
    /// Below the limit.
    Ok,
    /// Passed, above the near-limit ratio.
    Near,
    /// Over the limit.
    Over,
    /// Over the limit of a rule in shadow mode: passed.
    Shadow,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 8] = [
        Outcome::NoRule,
        Outcome::Allowed,
        Outcome::Unlimited,
        Outcome::Replaced,
        Outcome::Ok,
        Outcome::Near,
        Outcome::Over,
        Outcome::Shadow,
    ];

    /// The outcome's name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::NoRule => "no_rule",
            Outcome::Allowed => "allowed",
            Outcome::Unlimited => "unlimited",
            Outcome::Replaced => "replaced",
            Outcome::Ok => "ok",
            Outcome::Near => "near",
            Outcome::Over => "over",
            Outcome::Shadow => "shadow",
        }
    }
}

impl<'r> Verdict<'r> {
    /// Judges what came of the plan's hits, in their order.
    #[must_use]
    pub fn new(plan: &Plan<'r>, answers: &[HitAnswer], now: Timestamp) -> Self {
        let batch = plan.batch();
        debug_assert_eq!(batch.hits.len(), answers.len(), "a store answers every hit");
        let mut counted = batch.hits.iter().zip(answers.iter().copied());
        let leniency = Leniency { never_denies: false, ..batch.leniency };
        let denied = leniency.denies(counted.clone().map(|(hit, answer)| (hit.role, answer.reading)));
        let never_denies = batch.leniency.never_denies;
        let near_ratio = plan.modes.near_limit_ratio;
        let mut judge_next = || {
            let (hit, answer) = counted.next().expect("a store answers every hit");
            judge_hit(hit, answer, near_ratio, now)
        };
        let judge = |found: &Match<'r>| match *found {
            Match::Nothing => Status { rule: None, outcome: Outcome::NoRule, limited: None },
            Match::Uncounted(rule, why) => Status { rule: Some(rule), outcome: why.outcome(), limited: None },
            Match::Brought(_) => judge_next().of(None),
            Match::Limited(rule, limits) => {
                let first = judge_next();
                let further = limits.further().iter().enumerate();
                further.fold(first, |told, (index, _)| told.beside(judge_next(), index + 1)).of(Some(rule))
            }
        };
        let statuses = plan.matches.iter().map(judge).collect();
        Self { denied: denied && !never_denies, spared: denied && never_denies, statuses }
    }

    /// The limited status that a caller has to watch: one that is over before all others, then the one with the
    /// least remaining, the first where several have. A quota that is used up comes last where another one had the request pass.
    #[must_use]
    pub fn tightest(&self) -> Option<(&Status<'r>, Limited)> {
        let limited = self.statuses.iter().filter_map(|status| Some((status, status.limited?)));
        let over_in_vain = !self.denied && !self.spared;
        limited.min_by_key(|(status, limited)| {
            (status.is_over() && over_in_vain, !status.is_over(), limited.remaining)
        })
    }
}

impl<'r> Status<'r> {
    /// Whether the descriptor's own code is OVER_LIMIT.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome == Outcome::Over
    }

    /// The name of the limit that is told of; where it is none, what the rule is called.
    #[must_use]
    pub fn name(&self) -> Option<&'r str> {
        let rule = self.rule?;
        match (self.limited, rule.limits()) {
            (Some(limited), Some(limits)) => limits.get(limited.number)?.name.as_deref(),
            _ => rule.name(),
        }
    }
}

impl Uncounted {
    fn outcome(self) -> Outcome {
        match self {
            Uncounted::NoLimit => Outcome::Allowed,
            Uncounted::Unlimited => Outcome::Unlimited,
            Uncounted::Replaced => Outcome::Replaced,
        }
    }
}

/// What came of one limit, or of those of a descriptor so far and the one of them that is told of.
struct Judged {
    outcome: Outcome,
    limited: Limited,
}

impl Judged {
    /// Both together, for one descriptor. What is told is what a caller has to watch: a limit that is over before one that is
    /// not; then the longer wait among those that are over, and the least that is left among the others; then the first.
    fn beside(self, mut next: Self, number: usize) -> Self {
        next.limited.number = number;
        let near = self.outcome == Outcome::Near || next.outcome == Outcome::Near;
        let told = if next.urgency() < self.urgency() { next } else { self };
        match told.outcome {
            Outcome::Ok if near => Self { outcome: Outcome::Near, ..told },
            _ => told,
        }
    }

    /// The lower, the more it is to be told of.
    fn urgency(&self) -> (bool, u32, Reverse<Duration>) {
        match self.outcome {
            Outcome::Over | Outcome::Shadow => (false, 0, Reverse(self.limited.until_reset)),
            _ => (true, self.limited.remaining, Reverse(Duration::ZERO)),
        }
    }

    fn of(self, rule: Option<&Rule>) -> Status<'_> {
        Status { rule, outcome: self.outcome, limited: Some(self.limited) }
    }
}

fn judge_hit(hit: &Hit, answer: HitAnswer, near_ratio: f32, now: Timestamp) -> Judged {
    let (limit, HitAnswer { reading, source }) = (hit.limit, answer);
    let outcome = match (reading.over, hit.role.shadow) {
        (true, true) => Outcome::Shadow,
        (true, false) => Outcome::Over,
        (false, _) if reading.count > near_threshold(limit, near_ratio) => Outcome::Near,
        (false, _) => Outcome::Ok,
    };
    // A denied hit that was not counted may leave room below the limit; Envoy shows the caller the status with the
    // least remaining, so the one that denied must be it.
    let remaining = if reading.over { 0 } else { limit.remaining(reading.count) };
    let until_reset = match reading.reset {
        // Nobody who was denied is told to come back at once: a replica that gives out a part of a limit may deny what fits the whole.
        Some(reset) if reading.over => whole_seconds(reset).max(Duration::from_secs(1)),
        Some(reset) => whole_seconds(reset),
        None => fixed_window::until_reset(limit.period, now),
    };
    let (hits, count) = (hit.hits, reading.count);
    let limited = Limited { limit, remaining, until_reset, hits, count, source, number: 0 };
    Judged { outcome, limited }
}

/// Whole seconds, rounded up: who waits that long does not come too early.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)))
}

/// The count above which a limit is near, in single precision as upstream's dashboards have it: 0.8 of 3 gives 2. A bucket that holds one hit
/// is never near: every hit that passes fills it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "single precision is the definition, and the product of two values that are not negative is not either"
)]
pub(super) fn near_threshold(limit: Limit, ratio: f32) -> u64 {
    if limit.algorithm.is_bucket() && limit.capacity() <= 1 {
        return limit.capacity();
    }
    (limit.capacity() as f32 * ratio).floor() as u64
}

#[cfg(test)]
mod tests;
