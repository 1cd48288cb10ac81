//! Meters that replicas share: exactly so many hits pass as they hold, on one server and on the shards of a Cluster.
//!
//! Of what these limits hold, less than one hit drains while a test runs: 10 a day is one in 8640 seconds.

use super::fleet::{Fleet, LIMIT, WIDE_BUDGET, passes, settings};
use super::load::burst;
use super::passwords;
use crate::harness::{Redis, RedisCluster, ask};

/// The keys of the meters with a limit of [`LIMIT`], which are named after their algorithms.
pub(super) const METERS: [&str; 3] = ["sliding_window", "token_bucket", "sliding_log"];
/// The key of the one that holds a single hit.
pub(super) const LEAKY: &str = "leaky_bucket";

/// More single hits than there is room for.
const ASKED: usize = LIMIT + LIMIT / 4;

/// Where denied requests leave no counter changed.
const IGNORE: &str = "\ncounting: {denied_requests: ignore}";

/// Of each algorithm, by single hits and by several at once.
async fn check_each(fleet: &Fleet) {
    for meter in METERS {
        let (single, many) = (format!("{meter}=single"), format!("{meter}=many"));
        check_exact(fleet, &single).await;
        let tally = burst(fleet, LIMIT / 2, |_| ask(&many).hits(3)).await;
        assert_eq!((tally.passed, fleet.left(&many).await), (LIMIT / 3, LIMIT % 3), "{many}");
        let tally = burst(fleet, 64, |_| ask(&many)).await;
        assert_eq!((tally.passed, fleet.left(&many).await), (LIMIT % 3, 0), "what was denied took nothing");
    }
    let tally = burst(fleet, 64, |_| ask("leaky_bucket=single")).await;
    assert_eq!(tally.passed, 1);
    let tally = burst(fleet, 64, |_| ask("leaky_bucket=many").hits(2)).await;
    assert_eq!((tally.passed, fleet.left("leaky_bucket=many").await), (0, 1), "two never fit");
}

async fn check_exact(fleet: &Fleet, entries: &str) {
    let tally = burst(fleet, ASKED, |_| ask(entries)).await;
    assert_eq!((tally.passed, tally.denied), (LIMIT, ASKED - LIMIT), "{entries}");
    assert_eq!(fleet.left(entries).await, 0, "{entries}");
    tally.print(entries);
}

/// The wide descriptors of a request count what the narrow one denies, where denied requests count and where it fits.
async fn check_counted(fleet: &Fleet) {
    let decided = fleet.fallback_decisions().await;
    check_each(fleet).await;
    check_exact(fleet, "mixed=v").await;
    for meter in METERS {
        let (narrow, log, wide) =
            (format!("{meter}=pair"), format!("wide_log={meter}"), format!("wide={meter}"));
        let tally = burst(fleet, ASKED, |_| ask(&log).also(&narrow).also(&wide)).await;
        assert_eq!(tally.passed, LIMIT, "{narrow}");
        assert_eq!(fleet.left(&log).await, 2 * LIMIT - ASKED, "{log}");
        assert_eq!(fleet.counted(meter).await, ASKED, "{wide}");
    }
    assert_eq!(fleet.fallback_decisions().await, decided, "every decision was the store's");
}

/// Nothing of a request is counted that any meter denies. On several shards it is given back only afterwards, so that somebody may be denied
/// who need not have been; never the other way round.
async fn check_ignored(fleet: &Fleet, together: bool) {
    let decided = fleet.fallback_decisions().await;
    check_each(fleet).await;
    let pairs = METERS.map(|meter| format!("{meter}=pair"));
    let question = || ask("wide_log=all").also(&pairs[0]).also(&pairs[1]).also(&pairs[2]).also("wide=all");
    let tally = burst(fleet, ASKED, |_| question()).await;
    assert!(tally.passed <= LIMIT && (tally.passed == LIMIT || !together), "{} passed", tally.passed);
    for entries in &pairs {
        assert_eq!(fleet.left(entries).await, LIMIT - tally.passed, "{entries}");
    }
    assert_eq!(fleet.left("wide_log=all").await, 2 * LIMIT - tally.passed);
    assert_eq!(fleet.counted("all").await, tally.passed);
    let tally = burst(fleet, ASKED, |_| ask("mixed=v")).await;
    assert!(tally.passed <= LIMIT && (tally.passed == LIMIT || !together), "{} passed", tally.passed);
    assert_eq!(fleet.left("mixed=v").await, LIMIT - tally.passed);
    assert_eq!(fleet.fallback_decisions().await, decided, "every decision was the store's");
}

/// As a user who may do what the page for operators says and no more.
fn as_the_page_has_it(redis: &Redis) -> String {
    passwords::with(redis, "username: me, password: s3cret")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_server() {
    let redis = passwords::server("s3cret").await;
    let fleet = Fleet::start(&as_the_page_has_it(&redis)).await;
    check_counted(&fleet).await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_server_where_denied_requests_do_not_count() {
    let redis = passwords::server("s3cret").await;
    let fleet = Fleet::start(&(as_the_page_has_it(&redis) + IGNORE)).await;
    check_ignored(&fleet, true).await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_shards_of_a_cluster() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), WIDE_BUDGET)).await;
    check_counted(&fleet).await;
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_shards_of_a_cluster_where_denied_requests_do_not_count() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start(&(settings("cluster", &cluster.urls(), WIDE_BUDGET) + IGNORE)).await;
    check_ignored(&fleet, false).await;
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
}

/// What is given back fits again, the latest first and never more than there is; looks take nothing.
async fn check_refunds(fleet: &Fleet, meter: &str) {
    let entries = format!("{meter}=back");
    let full = u32::try_from(LIMIT).unwrap();
    assert!(fleet.passes(&ask(&entries).hits(full)).await);
    for replica in &fleet.replicas {
        assert!(passes(replica, &ask(&entries).own_hits(0)).await, "a look at what is just full");
        assert!(!passes(replica, &ask(&entries)).await, "{entries}");
    }
    assert!(fleet.passes(&ask(&entries).refund(7)).await);
    assert_eq!(fleet.left(&entries).await, 7, "{entries}");
    let tally = burst(fleet, 64, |_| ask(&entries)).await;
    assert_eq!(tally.passed, 7, "{entries}: what was given back fits again");
    assert!(fleet.passes(&ask(&entries).refund(10_000)).await);
    assert_eq!(fleet.left(&entries).await, LIMIT, "{entries}");
    assert!(!fleet.passes(&ask(&entries).hits(full + 1)).await);
    assert!(fleet.passes(&ask(&entries).hits(full)).await, "{entries}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_looks_shadow_and_quota_mode() {
    let redis = Redis::start().await;
    // Others may remember for a moment what a refund has changed; that is not what is asked here.
    let settings = settings("single", &[redis.url()], WIDE_BUDGET) + "\nover_limit_memory: {max_entries: 0}";
    let fleet = Fleet::start(&settings).await;
    for meter in METERS {
        check_refunds(&fleet, meter).await;
    }
    let tally = burst(&fleet, ASKED / 5, |_| ask("shadow_bucket=v").hits(5)).await;
    assert_eq!((tally.denied, fleet.left("shadow_bucket=v").await), (0, 0), "shadow never denies");
    // Two quotas: one of them is enough, until both are used up; what is over takes nothing.
    assert!(fleet.passes(&ask("quota_bucket=v").hits(100)).await);
    let question = ask("quota_bucket=v").also("quota_window=v").hits(5);
    let tally = burst(&fleet, ASKED / 5, |_| question.clone()).await;
    assert_eq!(5 * tally.passed, LIMIT);
    assert_eq!([fleet.left("quota_bucket=v").await, fleet.left("quota_window=v").await], [0, 0]);
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}
