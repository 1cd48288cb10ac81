//! The figures of `docs/algorithms.md` are those of the code.

use ratekeeper::decision::algorithm::Algorithm;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::ticks::Tick;

use super::markdown::{Page, pages};

fn page() -> Page {
    pages().into_iter().find(|page| page.name == "docs/algorithms.md").unwrap()
}

#[test]
fn the_largest_limits_are_those_that_are_accepted() {
    let rows = page().table("| window | in milliseconds | largest |");
    assert!(rows.len() > 5);
    for row in rows {
        let period: Period = row[0].parse().unwrap();
        let [fine, largest]: [u32; 2] = [&row[1], &row[2]].map(|number| number.parse().unwrap());
        for algorithm in [Algorithm::SlidingWindow, Algorithm::TokenBucket] {
            let limit = |number| Limit::new(number, period).held_by(algorithm);
            let is_fine = |number| limit(number).tick() == Tick::Millisecond;
            let is_accepted = |number| limit(number).check_size().is_ok();
            assert!(is_fine(fine) && is_accepted(largest), "{period}: {fine} and {largest}");
            assert!(fine.checked_add(1).is_none_or(|more| !is_fine(more)), "{period}: more than {fine}");
            assert!(
                largest.checked_add(1).is_none_or(|more| !is_accepted(more)),
                "{period}: more than {largest}"
            );
        }
        for algorithm in [Algorithm::FixedWindow, Algorithm::LeakyBucket, Algorithm::SlidingLog] {
            let limit = Limit::new(u32::MAX, period).held_by(algorithm);
            assert!(limit.check_size().is_ok() && limit.tick() == Tick::Millisecond, "{limit:?}");
        }
    }
}

#[test]
fn every_algorithm_has_its_row() {
    let heading = "| algorithm | the most that passes | in any time t, for a limit L in a period P | what a counter holds | take it |";
    let names: Vec<_> =
        page().table(heading).into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let missing: Vec<_> =
        Algorithm::ALL.iter().filter(|it| !names.iter().any(|name| name == it.name())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
