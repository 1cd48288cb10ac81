//! The figures of `docs/algorithms.md` are those of the code.

use ratekeeper::decision::algorithm::Algorithm;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;

use super::markdown::{Page, pages};

fn page() -> Page {
    pages().into_iter().find(|page| page.name == "docs/algorithms.md").unwrap()
}

#[test]
fn the_largest_limits_are_those_that_are_accepted() {
    let rows = page().table("| window | largest |");
    assert!(rows.len() > 5);
    for row in rows {
        let (period, largest): (Period, u32) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_bucket()) {
            let accepted = |number| Limit::new(number, period).held_by(algorithm).check_size().is_ok();
            assert!(accepted(largest), "{period}: {largest}");
            assert!(
                largest.checked_add(1).is_none_or(|more| !accepted(more)),
                "{period}: more than {largest}"
            );
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
