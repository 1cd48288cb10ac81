//! Hits that no shard has answered for.

use std::slice;

use super::*;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::decision::time::Timestamp;
use crate::storage::Moment;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::Outcome;
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
