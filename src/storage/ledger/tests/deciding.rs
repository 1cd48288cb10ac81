//! Deciding while the shard is away.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::storage::local::{LocalSettings, LocalStore};

/// How many single hits pass one after the other.
fn passing(ledger: &Ledger, name: &str, limit: u32, replicas: u32, now: Timestamp) -> u32 {
    let hits = [take(name, limit, 1)];
    let batch = Batch { hits: &hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
    let passes = |_: &u32| !ledger.decide(batch, &[SLOT], share(replicas), now)[0].over;
    (0..2 * limit + 2).filter(passes).count().try_into().unwrap()
}

#[test]
fn a_replica_hands_out_its_share_of_what_was_left() {
    let check = |count: Option<u64>, limit, replicas, expected| {
        let ledger = ledger();
        if let Some(count) = count {
            read(&ledger, &take("a", limit, 1), count);
        }
        assert_eq!(
            passing(&ledger, "a", limit, replicas, NOW),
            expected,
            "{count:?} of {limit} by {replicas}"
        );
        // In the next window nothing has been read.
        assert_eq!(passing(&ledger, "a", limit, replicas, later(60)), limit.div_ceil(replicas));
    };
    check(Some(90), 100, 3, 4);
    check(Some(90), 100, 1, 10);
    check(Some(99), 100, 3, 1);
    check(Some(100), 100, 3, 0);
    check(Some(130), 100, 3, 0);
    check(None, 100, 3, 34);
    check(None, 100, 1, 100);
    check(None, 1, 5, 1);
    check(None, 0, 5, 0);
}

#[test]
fn what_is_told_leaves_what_this_replica_may_still_hand_out() {
    let ledger = ledger();
    read(&ledger, &take("a", 100, 1), 70);
    // Ten are this replica's.
    assert_eq!(decide(&ledger, &[take("a", 100, 4)]), [(94, false)]);
    assert_eq!(decide(&ledger, &[take("a", 100, 0)]), [(94, false)]);
    assert_eq!(decide(&ledger, &[take("a", 100, 7)]), [(101, true)]);
    assert_eq!(decide(&ledger, &[take("a", 100, 6)]), [(100, false)]);
    assert_eq!(decide(&ledger, &[take("a", 100, 0)]), [(100, false)]);
    assert_eq!(decide(&ledger, &[take("a", 100, 1)]), [(101, true)]);
    assert_eq!(decide(&ledger, &[refund("a", 100, 3)]), [(97, false)]);
    assert_eq!(decide(&ledger, &[refund("a", 100, 50)]), [(90, false)]);
    assert_eq!(owed(&ledger), []);
    read(&ledger, &take("b", 100, 1), 120);
    assert_eq!(decide(&ledger, &[take("b", 100, 0), refund("b", 100, 9)]), [(120, true), (120, false)]);
}

#[test]
fn denied_hits_take_nothing_from_the_share() {
    let ledger = ledger();
    // Four are this replica's. Hits of one request are decided one after the other.
    assert_eq!(decide(&ledger, &[take("a", 10, 5), take("a", 10, 3)]), [(11, true), (9, false)]);
    assert_eq!(decide(&ledger, &[take("a", 10, 2), take("a", 10, 1)]), [(11, true), (10, false)]);
    assert_eq!(owed(&ledger), [(0, 4)]);
}

#[test]
fn an_ignored_denied_request_changes_nothing() {
    let ledger = ledger();
    let ignore = |hits: &[Hit]| decide_as(&ledger, DeniedRequests::Ignore, hits);
    assert_eq!(ignore(&[take("a", 9, 1), take("b", 3, 1)]), [(7, false), (3, false)]);
    assert_eq!(ignore(&[take("a", 9, 1), take("b", 3, 1)]), [(7, false), (3, true)]);
    assert_eq!(ignore(&[take("a", 9, 1), take("a", 9, 2)]), [(7, false), (7, true)]);
    assert_eq!(ignore(&[refund("a", 9, 1), take("b", 3, 1)]), [(7, false), (3, true)]);
    assert_eq!(ignore(&[take("a", 9, 1), take("a", 9, 1)]), [(8, false), (9, false)]);
    assert_eq!(ledger.figures().admitted, 4);
}

#[test]
fn a_request_that_passes_is_entered_whole() {
    for denied_requests in [DeniedRequests::Count, DeniedRequests::Ignore] {
        let ledger = ledger();
        let shadow = Hit { role: SHADOW, ..take("s", 3, 5) };
        assert_eq!(decide_as(&ledger, denied_requests, &[shadow]), [(7, true)]);
        let quota = [take("q", 3, 2), take("r", 3, 1)].map(|hit| Hit { role: QUOTA, ..hit });
        assert_eq!(decide_as(&ledger, denied_requests, &quota), [(4, true), (3, false)]);
        assert_eq!(ledger.figures().admitted, 5 + 2 + 1);
    }
}

#[test]
fn the_rest_of_the_request_has_its_say() {
    let ledger = ledger();
    let hits = [take("a", 0, 1)];
    let leniency = Leniency { never_denies: true, ..Leniency::default() };
    let batch = Batch { hits: &hits, leniency, denied_requests: DeniedRequests::Ignore };
    assert!(ledger.decide(batch, &[SLOT], share(3), NOW)[0].over);
    assert_eq!(owed(&ledger), [(0, 1)]);
}

#[test]
fn exactly_the_share_passes_however_many_ask() {
    let ledger = ledger();
    let passed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    let over = decide(&ledger, &[take("a", 3_000, 1)])[0].1;
                    passed.fetch_add(u64::from(!over), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((passed.into_inner(), owed(&ledger)), (1_000, vec![(0, 1_000)]));
}

proptest! {
    /// A replica that is alone and has read nothing decides as the local store does: the fallback means the same.
    #[test]
    fn one_replica_is_a_local_store(
        steps in proptest::collection::vec(
            (proptest::collection::vec((0..3_usize, 0..6_u32, prop_oneof![
                3 => (0..4_u32).prop_map(Hits::Take), 1 => (0..4_u32).prop_map(Hits::Refund)],
                prop_oneof![4 => Just(Role::default()), 1 => Just(SHADOW), 1 => Just(QUOTA)]), 1..4), 0..30_u64),
            1..60),
    ) {
        let (ledger, store) = (ledger(), LocalStore::new(LocalSettings { max_entries: 1_000 }));
        let mut now = NOW;
        for (hits, advance) in steps {
            now = now.after(Duration::from_secs(advance));
            let hits = hits.into_iter().map(|(name, limit, hits, role)| Hit { role, ..hit(&name.to_string(), limit, hits) });
            let hits: Vec<Hit> = hits.collect();
            let batch = Batch { hits: &hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Ignore };
            prop_assert_eq!(ledger.decide(batch, &vec![SLOT; batch.hits.len()], share(1), now), store.count_now(batch, now));
        }
    }
}
