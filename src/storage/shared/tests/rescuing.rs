//! Hits that no shard has answered for.

use std::slice;

use smallvec::smallvec;

use super::*;
use crate::decision::fixed_window::Window;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::reading::Reading;
use crate::decision::request::{Entry, Hits};
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::Moment;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::{Counted, Outcome};
use crate::storage::shared::answers::Answers;
use crate::storage::shared::shards::Shards;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Whether a hit passes, and how much of it is to be settled, where its answer is lost and where its shard is away.
#[track_caller]
fn check(on_store_failure: OnStoreFailure, passes: bool, owed: u64) {
    for outcome in [Some(Outcome::Unknown(Failure::Timeout)), Some(Outcome::NotDone(Failure::Timeout)), None]
    {
        let address = "redis://127.0.0.1:1".parse().unwrap();
        let shards = Shards::new(cluster(vec![address]), None, settings());
        let (topology, period) = (shards.topology(), Period::MINUTE);
        let hit = Hit {
            key: CounterKey::new("d", period, [Entry { key: b"k", value: b"v" }].into_iter()),
            limit: Limit::new(10, period),
            hits: Hits::Take(3),
            role: Role::default(),
            on_store_failure,
        };
        let hits = slice::from_ref(&hit);
        let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
        let mut answers = Answers::new(batch, &shards, &topology);
        let (groups, at) = (answers.unanswered(), Moment { now: NOW, deadline: None, trace: None });
        answers.take(&groups[0], outcome, &at);
        answers.rescue(&at);
        assert_eq!(!answers.into_hit_answers()[0].reading.over, passes);
        assert_eq!(shards.ledger().figures().admitted, owed);
    }
}

#[tokio::test]
async fn only_what_this_replica_admits_is_settled() {
    check(OnStoreFailure::Local, true, 3);
    check(OnStoreFailure::Allow, true, 0);
    check(OnStoreFailure::Deny, false, 0);
}

/// A limit of 3 in quota mode, on a key of its own.
fn quota(name: &str, continues: bool, hits: u32) -> Hit {
    let (period, entries) = (Period::MINUTE, [Entry { key: b"k", value: name.as_bytes() }]);
    Hit {
        key: CounterKey::new("d", period, entries.into_iter()),
        limit: Limit::new(3, period),
        hits: Hits::Take(hits),
        role: Role { shadow: false, quota: true, continues },
        on_store_failure: OnStoreFailure::Local,
    }
}

/// Asks where denied requests are ignored and no shard answers but for hits that it counted so; gives a reading for each hit.
fn ask_ignoring(shards: &Shards, hits: &[Hit], counted: &[(usize, u64)]) -> Vec<Reading> {
    let topology = shards.topology();
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Ignore };
    let mut answers = Answers::new(batch, shards, &topology);
    let (groups, at) = (answers.unanswered(), Moment { now: NOW, deadline: None, trace: None });
    for group in &groups {
        let count = counted.iter().find(|(index, _)| group.hits.as_slice() == [*index]).map(|&(_, count)| {
            let reading = Reading::of_window(count, count > 3);
            let state = State::FixedWindow(Window { start: 1_699_999_980, count: reading.count });
            Outcome::Done(smallvec![Ok(Counted { reading, state })])
        });
        answers.take(group, count, &at);
    }
    answers.rescue(&at);
    answers.into_hit_answers().iter().map(|answer| answer.reading).collect()
}

/// Which hits are over, and what this replica knows of `a` and `b` then: what a shard told and what it has entered itself.
#[track_caller]
fn check_ignoring(shards: &Shards, hits: &[Hit], counted: &[(usize, u64)], expected: (&[bool], [u64; 2])) {
    let over: Vec<bool> = ask_ignoring(shards, hits, counted).iter().map(|reading| reading.over).collect();
    let known = ["a", "b"].map(|name| ask_ignoring(shards, &[quota(name, false, 0)], &[])[0].count);
    assert_eq!((over.as_slice(), known), expected, "{hits:?}");
}

fn away() -> Shards {
    Shards::new(cluster(vec!["redis://127.0.0.1:1".parse().unwrap()]), None, settings())
}

#[tokio::test]
async fn a_denied_quota_takes_nothing_back_that_it_did_not_take() {
    let shards = away();
    check_ignoring(&shards, &[quota("a", false, 3)], &[], (&[false], [3, 0]));
    for _ in 0..3 {
        check_ignoring(&shards, &[quota("a", false, 1)], &[], (&[true], [3, 0]));
    }
}

#[tokio::test]
async fn a_quota_of_several_limits_is_over_where_one_is() {
    let shards = away();
    let of_one = |hits: u32| [quota("a", false, hits), quota("b", true, 1)];
    check_ignoring(&shards, &of_one(4), &[], (&[true, false], [0, 0]));
    check_ignoring(&shards, &of_one(3), &[], (&[false, false], [3, 1]));
    check_ignoring(&shards, &of_one(1), &[], (&[true, false], [3, 1]));
    // Two descriptors: the second has room, so that both are entered.
    let of_two = [quota("a", false, 1), quota("b", false, 1)];
    check_ignoring(&shards, &of_two, &[], (&[true, false], [4, 2]));
}

#[tokio::test]
async fn what_a_shard_counted_decides_for_the_rest_of_the_descriptor() {
    let of_one = [quota("a", false, 1), quota("b", true, 1)];
    check_ignoring(&away(), &of_one, &[(0, 4)], (&[true, false], [4, 0]));
    check_ignoring(&away(), &of_one, &[(1, 4)], (&[false, true], [0, 4]));
    check_ignoring(&away(), &of_one, &[(0, 3)], (&[false, false], [3, 1]));
    let of_two = [quota("a", false, 1), quota("b", false, 1)];
    check_ignoring(&away(), &of_two, &[(0, 4)], (&[true, false], [4, 1]));
    // The known part has room, and the part that is not known is over.
    let over = [quota("a", false, 1), quota("b", true, 4)];
    check_ignoring(&away(), &over, &[(0, 1)], (&[false, true], [1, 0]));
}
