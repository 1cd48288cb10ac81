//! What holds for every algorithm, at the end of any life of a counter.

use std::time::Duration;

use proptest::prelude::*;

use super::sequences::{Step, algorithms, hits, steps};
use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::sliding_log::SlidingLog;
use crate::decision::state::State;
use crate::decision::time::Timestamp;

/// A counter in the present, and its limit.
#[derive(Debug, Clone)]
struct Lived {
    state: State,
    limit: Limit,
    now: Timestamp,
}

impl Lived {
    fn through(steps: &[Step]) -> Self {
        let mut lived = Self { state: State::begin(steps[0].limit, steps[0].now), ..Self::at(&steps[0]) };
        for step in steps {
            lived = Self { state: lived.state, ..Self::at(step) };
            lived.count(step.hits);
        }
        lived
    }

    fn at(step: &Step) -> Self {
        Self { state: State::begin(step.limit, step.now), limit: step.limit, now: step.now }
    }

    fn count(&mut self, hits: Hits) -> Reading {
        self.state.advance(self.limit, self.now);
        self.state.count(self.limit, hits, self.now)
    }

    fn used(&self) -> u64 {
        self.state.used(self.limit, self.now)
    }

    /// The same counter at another time.
    fn then(&self, millis: u64) -> Self {
        let mut then = self.clone();
        then.now = Timestamp::from_millis(millis);
        then.state.advance(then.limit, then.now);
        then
    }

    fn after(&self, time: Duration) -> Self {
        self.then(self.now.after(time).millis())
    }

    fn just_before(&self, time: Duration) -> Self {
        self.then(self.now.after(time).millis() - 1)
    }

    fn is_meter(&self) -> bool {
        self.limit.algorithm.is_meter()
    }
}

fn lives() -> impl Strategy<Value = Lived> {
    algorithms().prop_flat_map(steps).prop_map(|steps| Lived::through(&steps))
}

/// What a hit waits for; a look that was denied waits until one hit fits.
fn wanted(hits: u32) -> Hits {
    Hits::Take(hits.max(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_hit_passes_where_it_fits(mut lived in lives(), hits in prop_oneof![any::<u32>(), 0..9_u32]) {
        let (before, capacity) = (lived.used(), lived.limit.capacity());
        let reading = lived.count(Hits::Take(hits));
        prop_assert_eq!(reading.over, before + u64::from(hits) > capacity);
    }

    #[test]
    fn what_was_denied_takes_nothing(mut lived in lives(), hits in hits()) {
        lived.state.advance(lived.limit, lived.now);
        let mut after = lived.clone();
        let reading = after.count(hits);
        if reading.over && lived.is_meter() && !lived.limit.overdraft {
            prop_assert_eq!((after.state, reading.count), (lived.state.clone(), lived.used()));
        } else {
            prop_assert_eq!(reading.count, after.used());
        }
    }

    #[test]
    fn time_alone_never_fills_a_counter(lived in lives(), mut parts in prop::array::uniform4(0..4_000_u64)) {
        parts.sort_unstable();
        let length = u64::from(lived.limit.period.seconds());
        let later = parts.map(|part| lived.now.millis() + length * part);
        let used = later.map(|millis| lived.then(millis).used());
        prop_assert!(lived.used() >= used[0] && used.is_sorted_by(|earlier, later| earlier >= later), "{:?}", used);
    }

    #[test]
    fn what_was_denied_passes_when_it_was_told_and_no_moment_earlier(mut lived in lives(), more in 1..9_u64, look: bool) {
        let capacity = lived.limit.capacity();
        // What just does not fit, or a little more; alone it would.
        let hits = (capacity.saturating_sub(lived.used()) + more).min(capacity);
        let hits = if look { 0 } else { u32::try_from(hits).unwrap() };
        let Reading { over, reset, .. } = lived.count(Hits::Take(hits));
        if over && lived.is_meter() && capacity > 0 {
            let reset = reset.unwrap();
            prop_assert!(!lived.after(reset).count(wanted(hits)).over);
            prop_assert!(lived.just_before(reset).count(wanted(hits)).over);
        }
    }

    #[test]
    fn where_nothing_remains_one_more_passes_when_it_was_told_and_no_moment_earlier(
        mut lived in lives(),
        hits in prop_oneof![Just(Hits::Take(0)), Just(Hits::Refund(1)), Just(Hits::Take(u32::MAX))],
    ) {
        let (used, capacity) = (lived.used(), lived.limit.capacity());
        // All that is left.
        let left = u32::try_from(capacity.saturating_sub(used)).unwrap();
        let hits = if hits == Hits::Take(u32::MAX) { Hits::Take(left) } else { hits };
        let Reading { count, over, reset } = lived.count(hits);
        if !over && lived.is_meter() && count >= capacity && capacity > 0 {
            let reset = reset.unwrap();
            prop_assert!(!lived.after(reset).count(Hits::Take(1)).over);
            prop_assert!(lived.just_before(reset).count(Hits::Take(1)).over);
        }
    }

    #[test]
    fn what_never_passes_waits_a_period(mut lived in lives(), more in 1..9_u32) {
        let period = lived.limit.period.duration();
        if let Some(hits) = lived.limit.burst.checked_add(more) && lived.is_meter() {
            let Reading { over, reset, .. } = lived.count(Hits::Take(hits));
            prop_assert_eq!((over, reset), (true, Some(period)));
        }
        if lived.limit.burst == 0 && lived.is_meter() {
            prop_assert_eq!(lived.count(Hits::Take(0)).reset, Some(period));
        }
    }

    #[test]
    fn what_is_left_alone_is_told_as_a_look_is(mut lived in lives(), hits in hits()) {
        lived.state.advance(lived.limit, lived.now);
        let before = lived.state.look(lived.limit, lived.now);
        let looked = lived.clone().count(Hits::Take(0));
        prop_assert_eq!(Reading { over: looked.over, ..before }, looked);
        let told = lived.count(hits).untaken(before);
        prop_assert_eq!((told.count, told.over), (before.count, told.over));
        prop_assert!(told.over || told == before);
    }

    #[test]
    fn nothing_is_counted_when_it_was_told_and_something_until_then(mut lived in lives(), hits in hits()) {
        let Reading { count, over, reset } = lived.count(hits);
        if !over && lived.is_meter() && count < lived.limit.capacity() {
            let reset = reset.unwrap();
            prop_assert_eq!(lived.after(reset).used(), 0);
            let until_then = if reset.is_zero() { 1 } else { lived.just_before(reset).used() };
            prop_assert!(until_then > 0);
            prop_assert_eq!(reset.is_zero(), lived.used() == 0);
            prop_assert_eq!(lived.state.empty_at(lived.limit, lived.now), lived.now.after(reset));
        }
    }

    #[test]
    fn hits_that_are_given_back_were_never_taken(mut lived in lives(), hits in 0..2_000_u32) {
        lived.state.advance(lived.limit, lived.now);
        let mut after = lived.clone();
        let took = !after.count(Hits::Take(hits)).over || lived.limit.overdraft || !lived.is_meter();
        // A counter that is full of overdrafts has no room for more.
        if took && after.used() == lived.used() + u64::from(hits) {
            after.count(Hits::Refund(hits));
            prop_assert_eq!(counting(&after.state), counting(&lived.state));
        }
    }

    #[test]
    fn a_meter_that_holds_nothing_is_as_one_that_is_not_there(mut lived in lives(), back in 0..2_500_u64, hits in hits()) {
        lived.count(Hits::Refund(u32::MAX));
        if lived.is_meter() && lived.used() == 0 {
            let mut then = lived.then(lived.now.millis() - back);
            let mut anew = Lived { state: State::begin(then.limit, then.now), ..then.clone() };
            prop_assert_eq!(then.count(hits), anew.count(hits));
        }
    }

    #[test]
    fn a_clock_that_was_ahead_once_fills_a_counter_for_no_longer_than_any_other(
        lived in lives(),
        millis in prop_oneof![0..5_000_u64, 0..100_000_000_u64, 0..100_000_000_000_u64],
        hits in hits(),
    ) {
        let mut ahead = lived.then(lived.now.millis() + millis);
        ahead.count(hits);
        let back = ahead.then(lived.now.millis());
        if lived.is_meter() {
            let latest = back.now.after(longest(&back)).after(Duration::from_secs(2));
            prop_assert!(back.state.empty_at(back.limit, back.now) <= latest);
        }
    }

    #[test]
    fn nothing_overflows(uses in prop::collection::vec(any_use(), 1..12)) {
        let (first, _, now) = uses[0];
        let mut state = State::begin(first, now);
        for (limit, hits, now) in uses {
            let limit = Limit { algorithm: first.algorithm, period: first.period, ..limit };
            state.advance(limit, now);
            state.count(limit, hits, now);
            state.take(limit, u64::MAX, now);
            state.count(limit, Hits::Take(1), now);
            state.count(limit, hits, now);
            let _ = (state.used(limit, now), state.empty_at(limit, now));
        }
    }
}

/// The state without what a log holds for clocks that go back.
fn counting(state: &State) -> State {
    match state {
        State::SlidingLog(log) => State::SlidingLog(Box::new(SlidingLog::of(log.live().copied()))),
        other => other.clone(),
    }
}

/// How long the counter takes to become empty when it is full.
fn longest(lived: &Lived) -> Duration {
    let period = lived.limit.period.duration();
    match lived.limit.algorithm {
        Algorithm::FixedWindow | Algorithm::SlidingLog => period,
        Algorithm::SlidingWindow => 2 * period,
        Algorithm::TokenBucket | Algorithm::LeakyBucket => {
            // What it holds now, at its rate, and a second for what was rounded up.
            let periods = lived.used().div_ceil(lived.limit.requests_per_unit.max(1).into());
            Duration::from_secs(1 + periods.saturating_mul(period.as_secs()))
        }
    }
}

/// Any numbers at all, also those that a rule is refused for.
fn any_use() -> impl Strategy<Value = (Limit, Hits, Timestamp)> {
    let number = || prop_oneof![Just(0), Just(1), Just(u32::MAX), any::<u32>()];
    let seconds = prop_oneof![Just(1), Just(3_600), Just(3_601), 1..=u64::from(Period::MAX.seconds())];
    let limit = (algorithms(), seconds, number(), number(), any::<bool>());
    let limit = limit.prop_map(|(algorithm, seconds, requests_per_unit, burst, overdraft)| {
        let period = Period::from_seconds(seconds).unwrap();
        Limit { requests_per_unit, period, algorithm, burst, overdraft }
    });
    let hits = (number(), any::<bool>())
        .prop_map(|(hits, refund)| if refund { Hits::Refund(hits) } else { Hits::Take(hits) });
    let millis = prop_oneof![Just(0), Just(u64::MAX), Just(u64::MAX - 1_500), any::<u64>(), 0..4_000_u64];
    (limit, hits, millis.prop_map(Timestamp::from_millis))
}
