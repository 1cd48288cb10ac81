//! What shows that counters are right: models of every algorithm, laws that hold for all of them, and a search for bursts.
//!
//! A new algorithm adds a model in [`models`], its promise in [`bursts`] and what a steady client gets in [`rates`]; the rest is for all of
//! [`Algorithm::ALL`].

mod bursts;
mod changes;
mod laws;
mod models;
mod rates;
mod sequences;

use proptest::prelude::*;

use super::*;
use sequences::{Step, algorithms, steps};

/// A counter's whole answer, as a model gives it.
#[derive(Debug, PartialEq)]
struct Told {
    count: u128,
    over: bool,
    used: u128,
}

impl Told {
    fn by(state: &mut State, step: &Step) -> Self {
        state.advance(step.limit, step.now);
        let Reading { count, over, .. } = state.count(step.limit, step.hits, step.now);
        Self { count: count.into(), over, used: state.used(step.limit, step.now).into() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_counter_counts_as_its_model(steps in algorithms().prop_flat_map(steps)) {
        let mut state = State::begin(steps[0].limit, steps[0].now);
        let mut model = models::of(steps[0].limit);
        for step in &steps {
            prop_assert_eq!(Told::by(&mut state, step), models::told(model.as_mut(), step), "{:?}", step);
        }
    }
}
