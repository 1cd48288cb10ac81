//! With one replica a meter in the ledger is the algorithm itself.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Take(u32),
    Refund(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u32).prop_map(Step::Take),
        1 => (0..9_u32).prop_map(Step::Refund),
        2 => (0..20_000_u64).prop_map(Step::Wait),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    let meters: Vec<Algorithm> =
        Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_meter()).collect();
    let periods = vec![Period::SECOND, Period::MINUTE, Period::DAY];
    (select(meters), 0..20_u32, select(periods), any::<bool>()).prop_map(
        |(algorithm, number, period, overdraft)| Limit {
            overdraft,
            ..Limit::new(number, period).held_by(algorithm)
        },
    )
}

proptest! {
    /// Nothing was ever read, so that all may be given back.
    #[test]
    fn one_replica_is_the_algorithm_itself(limit in limit(), steps in proptest::collection::vec(step(), 1..60)) {
        let (ledger, mut now) = (ledger(), NOW);
        let mut state = State::begin(limit, now);
        for step in steps {
            let hits = match step {
                Step::Take(amount) => Hits::Take(amount),
                Step::Refund(amount) => Hits::Refund(amount),
                Step::Wait(millis) => {
                    now = now.after(Duration::from_millis(millis));
                    continue;
                }
            };
            state.advance(limit, now);
            let (hits, expected) = ([hit_on(limit, "a", hits)], state.count(limit, hits, now));
            let batch = Batch { hits: &hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
            let reading = ledger.decide(batch, &[SLOT], share(1), now)[0];
            prop_assert_eq!(reading, expected);
        }
        state.advance(limit, now);
        let admitted: u64 = round(&ledger, now).iter().map(|settlement| settlement.admitted).sum();
        prop_assert_eq!(admitted, state.used(limit, now));
    }
}
