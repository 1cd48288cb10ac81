//! Sequences of what a breaker hears, and what it makes of them.

use proptest::prelude::*;

use super::shared::SharedBreaker;
use super::*;

const SETTINGS: BreakerSettings = BreakerSettings {
    failures: NonZeroU32::new(3).unwrap(),
    backoff: Duration::from_millis(250),
    max_backoff: Duration::from_secs(10),
};
const TIMEOUT: FailureReason = FailureReason::Timeout;

fn at(millis: u64) -> Uptime {
    Duration::from_millis(millis)
}

fn open_until(millis: u64) -> BreakerState {
    BreakerState::Open { until: at(millis) }
}

fn to(transition: Option<Transition>) -> Option<BreakerState> {
    transition.map(|transition| transition.to)
}

/// A breaker that was open, was probed at `now` and is closed again.
#[track_caller]
fn recover(breaker: &mut Breaker, now: Uptime) {
    assert!(breaker.may_probe(now).is_some());
    assert_eq!(to(breaker.probe_succeeded(now)), Some(BreakerState::Closed { failures: 0 }));
}

/// What so many failures as open it do to a breaker.
fn fail(breaker: &mut Breaker, now: Uptime, jitter: Jitter) -> Option<Transition> {
    (0..SETTINGS.failures.get()).filter_map(|_| breaker.on_failure(TIMEOUT, now, jitter)).last()
}

/// How long the breaker is open when it trips at `now`, with the whole jitter.
#[track_caller]
fn trip(breaker: &mut Breaker, now: Uptime) -> Duration {
    match to(fail(breaker, now, Jitter::WHOLE)) {
        Some(BreakerState::Open { until }) => until - now,
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_in_a_row_open_it() {
    let mut breaker = Breaker::new(SETTINGS);
    assert_eq!(breaker.on_failure(TIMEOUT, at(0), Jitter::WHOLE), None);
    assert_eq!(breaker.on_failure(TIMEOUT, at(1), Jitter::WHOLE), None);
    breaker.on_success();
    assert_eq!(breaker.on_failure(TIMEOUT, at(2), Jitter::WHOLE), None);
    assert_eq!(breaker.on_failure(TIMEOUT, at(3), Jitter::WHOLE), None);
    let opened = Transition { from: BreakerState::Closed { failures: 3 }, to: open_until(254) };
    assert_eq!(breaker.on_failure(FailureReason::Disconnected, at(4), Jitter::WHOLE), Some(opened));
    assert_eq!(breaker.last_failure(), Some(FailureReason::Disconnected));
    assert_eq!(breaker.transitions(), TransitionCounts { open: 1, ..TransitionCounts::default() });
}

#[test]
fn a_shard_that_is_held_back_is_probed_at_once_and_has_not_failed() {
    let mut breaker = Breaker::new(SETTINGS);
    assert_eq!(to(breaker.hold(at(7))), Some(open_until(7)));
    assert_eq!((breaker.hold(at(7)), breaker.last_failure()), (None, None));
    recover(&mut breaker, at(7));
    let opened = trip(&mut breaker, at(8));
    assert_eq!(opened, SETTINGS.backoff, "as if for the first time");
}

#[test]
fn it_tells_since_when_the_shard_is_away_or_back_and_why_it_was() {
    let mut breaker = Breaker::new(SETTINGS);
    assert_eq!(breaker.since(), at(0));
    trip(&mut breaker, at(1_000));
    assert!(breaker.may_probe(at(1_250)).is_some());
    assert!(breaker.probe_failed(FailureReason::Loading, at(1_260), Jitter::WHOLE).is_some());
    assert_eq!((breaker.since(), breaker.last_failure()), (at(1_000), Some(FailureReason::Loading)));
    recover(&mut breaker, at(1_760));
    assert_eq!((breaker.since(), breaker.last_failure()), (at(1_760), Some(FailureReason::Loading)));
    let _ = breaker.on_failure(TIMEOUT, at(2_000), Jitter::WHOLE);
    assert_eq!(breaker.since(), at(1_760), "one failure changes nothing");
    let failures: Vec<_> = breaker.failures().iter().filter(|(_, count)| *count > 0).collect();
    let tripped = u64::from(SETTINGS.failures.get());
    assert_eq!(failures, [(TIMEOUT, tripped + 1), (FailureReason::Loading, 1)]);
    assert_eq!(breaker.transitions().by_state(), [("closed", 1), ("open", 2), ("half_open", 2)]);
}

#[test]
fn one_probe_goes_out_and_only_it_decides() {
    let mut breaker = Breaker::new(SETTINGS);
    assert_eq!(breaker.may_probe(at(0)), None);
    assert_eq!(trip(&mut breaker, at(0)), at(250));
    assert_eq!(breaker.may_probe(at(249)), None);
    assert!(breaker.may_probe(at(250)).is_some());
    assert_eq!(breaker.may_probe(at(250)), None);
    // Answers to requests from before say nothing about now.
    breaker.on_success();
    assert_eq!(breaker.on_failure(TIMEOUT, at(251), Jitter::WHOLE), None);
    assert_eq!(breaker.state().name(), "half_open");
    assert_eq!(to(breaker.probe_succeeded(at(252))), Some(BreakerState::Closed { failures: 0 }));
    assert_eq!(breaker.probe_succeeded(at(253)), None);
    assert_eq!(breaker.probe_failed(TIMEOUT, at(253), Jitter::WHOLE), None);
}

#[test]
fn failed_probes_double_the_backoff_up_to_its_bound() {
    let mut breaker = Breaker::new(SETTINGS);
    let mut open_for = vec![trip(&mut breaker, at(0))];
    for _ in 0..7 {
        let BreakerState::Open { until } = breaker.state() else { panic!() };
        assert!(breaker.may_probe(until).is_some());
        let reopened = to(breaker.probe_failed(FailureReason::Loading, until, Jitter::WHOLE));
        let Some(BreakerState::Open { until: next }) = reopened else { panic!("{reopened:?}") };
        open_for.push(next - until);
    }
    assert_eq!(open_for, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000].map(at));
}

#[test]
fn a_probe_that_is_lost_is_replaced() {
    let mut breaker = Breaker::new(SETTINGS);
    trip(&mut breaker, at(0));
    assert!(breaker.may_probe(at(300)).is_some());
    assert_eq!(breaker.may_probe(at(10_299)), None);
    assert!(breaker.may_probe(at(10_300)).is_some());
    assert_eq!(breaker.may_probe(at(10_301)), None);
}

#[test]
fn jitter_shortens_the_wait_by_half_at_the_most() {
    for (random, expected) in [(0.0, 125), (0.5, 187), (1.0, 250), (7.0, 250), (-1.0, 125), (f64::NAN, 250)] {
        let mut breaker = Breaker::new(SETTINGS);
        let opened = to(fail(&mut breaker, at(0), Jitter::new(random)));
        let Some(BreakerState::Open { until }) = opened else { panic!("{opened:?}") };
        assert_eq!(until.as_millis(), expected, "{random}");
    }
}

#[test]
fn a_store_that_flaps_is_asked_ever_less_often() {
    let mut breaker = Breaker::new(SETTINGS);
    let (mut now, mut trips) = (at(0), 0);
    while now < Duration::from_secs(120) {
        now += trip(&mut breaker, now);
        recover(&mut breaker, now);
        now += at(50);
        trips += 1;
    }
    assert!(trips <= 17, "{trips} trips in two minutes");
}

#[test]
fn calm_lowers_the_backoff_and_a_short_calm_does_not() {
    let after_calm = |calm: u64| {
        let mut breaker = Breaker::new(SETTINGS);
        let mut now = at(0);
        for _ in 0..6 {
            now += trip(&mut breaker, now);
            recover(&mut breaker, now);
        }
        trip(&mut breaker, now + Duration::from_secs(calm))
    };
    // It was open for 8 s, so that 16 s make one calm period.
    assert_eq!(after_calm(15), at(10_000));
    assert_eq!(after_calm(16), at(4_000));
    assert_eq!(after_calm(33), at(2_000));
    assert_eq!(after_calm(86_400), at(250));
    let mut breaker = Breaker::new(SETTINGS);
    trip(&mut breaker, at(0));
    recover(&mut breaker, at(250));
    assert_eq!(trip(&mut breaker, at(10_249)), at(500), "a calm period is never shorter than ten seconds");
}

#[derive(Debug, Clone, Copy)]
enum Heard {
    Success,
    Failure,
    MayProbe,
    ProbeSucceeded,
    ProbeFailed,
}

proptest! {
    /// Whatever it hears and however settings are chosen, probes are apart, waits are bounded, nothing is stuck.
    #[test]
    fn keeps_its_promises(
        steps in proptest::collection::vec((0..2_000_u64, 0.0..1.0_f64, prop_oneof![
            Just(Heard::Success), Just(Heard::Failure), Just(Heard::Failure), Just(Heard::MayProbe),
            Just(Heard::ProbeSucceeded), Just(Heard::ProbeFailed)]), 1..200),
    ) {
        let shared = SharedBreaker::new(SETTINGS);
        let mut now = Duration::ZERO;
        let mut failures = 0;
        for (advance, random, heard) in steps {
            now += at(advance);
            let (before, jitter) = (shared.snapshot().state(), Jitter::new(random));
            let transition = match heard {
                Heard::Success => { shared.on_success(); failures = 0; None }
                Heard::Failure => { failures += 1; shared.on_failure(TIMEOUT, now, jitter) }
                Heard::MayProbe => shared.may_probe(now),
                Heard::ProbeSucceeded => shared.probe_succeeded(now),
                Heard::ProbeFailed => shared.probe_failed(TIMEOUT, now, jitter),
            };
            let after = shared.snapshot().state();
            prop_assert_eq!(shared.is_closed(), matches!(after, BreakerState::Closed { .. }));
            match transition {
                None => prop_assert_eq!(before.name(), after.name()),
                Some(transition) => { prop_assert_eq!(transition.to, after); failures = 0; }
            }
            match (before, after) {
                (_, BreakerState::Closed { failures: counted }) => prop_assert_eq!(counted, failures),
                (BreakerState::Open { until }, BreakerState::HalfOpen { .. }) => prop_assert!(now >= until),
                (BreakerState::Open { until }, BreakerState::Open { until: same }) => prop_assert_eq!(until, same),
                (_, BreakerState::Open { until }) => {
                    prop_assert!(until - now <= SETTINGS.max_backoff && until - now >= SETTINGS.backoff / 2);
                }
                _ => {}
            }
        }
        now += SETTINGS.max_backoff;
        if !shared.is_closed() {
            prop_assert!(shared.may_probe(now).is_some());
            prop_assert!(shared.probe_succeeded(now).is_some() && shared.is_closed());
        }
    }
}
