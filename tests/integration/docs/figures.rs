//! The figures of `docs/sizing.md` are those of `docs/benchmarks.md`, and its sums are right.

use std::collections::BTreeMap;

use super::markdown::{Page, pages};

const BUSY: f64 = 0.6;

fn page(name: &str) -> Page {
    pages().into_iter().find(|page| page.name == name).unwrap()
}

/// What a decision costs a server and Redis, by keys, descriptors and store.
type Costs = BTreeMap<[String; 3], [String; 2]>;

/// The rows of the benchmarks, in which keys and descriptors stand once for all rows below.
fn measured() -> Costs {
    let heading = "| keys | descriptors | server | server CPU | by the floor's | Redis CPU | script calls | commands | decisions/s |";
    let mut above = [String::new(), String::new()];
    let rows = page("docs/benchmarks.md").table(heading).into_iter().map(move |row| {
        for (above, cell) in above.iter_mut().zip(&row) {
            if !cell.is_empty() {
                above.clone_from(cell);
            }
        }
        let [keys, descriptors] = above.clone();
        ([keys, descriptors, row[2].clone()], [row[3].clone(), row[5].clone()])
    });
    rows.collect()
}

fn quoted() -> Costs {
    let rows = page("docs/sizing.md").table("| keys | descriptors | server | server CPU | Redis CPU |");
    let row = |row: Vec<String>| {
        let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
        ([cell(0), cell(1), cell(2)], [cell(3), cell(4)])
    };
    rows.into_iter().map(row).collect()
}

#[test]
fn costs_are_those_of_the_benchmarks() {
    let (measured, quoted) = (measured(), quoted());
    assert!(quoted.len() > 5);
    for (row, costs) in quoted {
        assert_eq!(Some(&costs), measured.get(&row), "{row:?}");
    }
}

#[test]
fn sums_follow_from_the_costs() {
    let heading =
        "| requests/s | store | descriptors | cores busy | cores to plan | Redis busy | Redis to plan |";
    let rows = page("docs/sizing.md").table(heading);
    assert!(rows.len() > 5);
    let costs = quoted();
    for row in rows {
        let requests: f64 = row[0].replace(',', "").parse().unwrap();
        let [server, redis] = &costs[&["uniform".to_owned(), row[2].clone(), row[1].clone()]];
        let sums = [server, redis].into_iter().flat_map(|cost| {
            let busy = cost.parse::<f64>().ok().map(|micros| requests * micros / 1e6);
            [busy, busy.map(|busy| busy / BUSY)]
        });
        let sums: Vec<_> = sums.map(|sum| sum.map_or_else(String::new, |sum| format!("{sum:.2}"))).collect();
        assert_eq!(row[3..], sums[..], "{row:?}");
    }
}

/// To the hundred, as the page says them.
#[test]
fn an_autoscaled_replica_decides_what_its_cpu_pays_for() {
    let heading = "| chart's values | threads | CPU of a replica, at the most | requests/s with Redis | with the local store |";
    let rows = page("docs/sizing.md").table(heading);
    assert!(rows.len() > 2);
    let costs = quoted();
    for row in rows {
        let cpu: f64 = row[2].parse().unwrap();
        for (store, told) in [("Redis", &row[3]), ("local store", &row[4])] {
            let [server, _] = &costs[&["uniform".to_owned(), "1".to_owned(), store.to_owned()]];
            let hundreds = (cpu * 1e4 / server.parse::<f64>().unwrap()).round();
            assert_eq!(told.replace(',', "").parse::<f64>().unwrap() / 100.0, hundreds, "{row:?}");
        }
    }
}

#[test]
fn bytes_are_those_of_the_benchmarks() {
    let rows = page("docs/sizing.md").table("| what | figure | from |");
    assert!(rows.len() > 4);
    let text = page("docs/benchmarks.md").text;
    let missing: Vec<_> = rows.iter().filter(|row| !text.contains(&row[1])).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
