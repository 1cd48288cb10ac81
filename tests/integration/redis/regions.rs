//! Two regions with a Redis each, which share every limit by weights: 0.7 and 0.3.

use super::fleet::{Fleet, LIMIT, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::burst;
use crate::harness::{Redis, Wire, ask};

const WEST: usize = LIMIT * 7 / 10;
const EAST: usize = LIMIT * 3 / 10;

/// The settings of a region with this part of every limit. Denied requests do not count, so that what passed can be added up.
fn region(url: &str, share: f64, timeout: &str) -> String {
    settings("single", &[url.to_owned()], timeout)
        + &format!("\ncounting: {{limit_share: {share}, denied_requests: ignore}}")
}

/// How many pass of more than there may.
async fn passed(fleet: &Fleet, key: &str) -> usize {
    burst(fleet, 3 * LIMIT, |_| ask(key)).await.passed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shares_add_up_to_the_limit() {
    let (west, east) = (Redis::start().await, Redis::start().await);
    let west = Fleet::start(&region(&west.url(), 0.7, WIDE_BUDGET)).await;
    let east = Fleet::start(&region(&east.url(), 0.3, WIDE_BUDGET)).await;
    let (in_west, in_east) = tokio::join!(passed(&west, "k=v"), passed(&east, "k=v"));
    assert_eq!((in_west, in_east), (WEST, EAST));
    let answer = west.replicas[0].ask(&ask("k=w")).await.unwrap();
    let told = &answer.statuses[0];
    assert_eq!(told.current_limit.as_ref().unwrap().requests_per_unit as usize, WEST, "what holds here");
    assert_eq!(told.limit_remaining as usize, WEST - 1);
}

/// A region whose Redis is away gives out its share by itself; the other one does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_loses_its_redis_costs_the_other_nothing() {
    let (west, east) = (Redis::start().await, Redis::start().await);
    let wire = Wire::to(west.address);
    let west = Fleet::start(&region(&wire.url(), 0.7, NARROW_BUDGET)).await;
    let east = Fleet::start(&region(&east.url(), 0.3, WIDE_BUDGET)).await;
    wire.refuse().await;
    // Until every thread of every replica knows.
    burst(&west, 300, |_| ask("wide=v")).await;
    let (in_west, in_east) = tokio::join!(passed(&west, "k=v"), passed(&east, "k=v"));
    assert_eq!((in_west, in_east), (3 * WEST.div_ceil(3), EAST), "shares are rounded up among replicas");
    assert_eq!(east.fallback_decisions().await, 0);
}

/// Who takes a lost region's traffic over admits its own share of it, until operators give it more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_takes_over() {
    let (west, redis) = (Redis::start().await, Redis::start().await);
    let west = Fleet::start(&region(&west.url(), 0.7, WIDE_BUDGET)).await;
    let mut east = Fleet::start(&region(&redis.url(), 0.3, WIDE_BUDGET)).await;
    assert_eq!(passed(&west, "k=asked-in-both").await, WEST);
    west.stop().await;
    assert_eq!(passed(&east, "k=asked-in-both").await, EAST);
    assert_eq!(passed(&east, "k=fresh").await, EAST, "its share, however much is asked");
    for replica in &mut east.replicas {
        replica.write_settings(&region(&redis.url(), 1.0, WIDE_BUDGET));
        assert_eq!(replica.stop().await.code(), Some(0));
        replica.start_again().await;
    }
    east.exact_again().await;
    assert_eq!(passed(&east, "k=fresh").await, LIMIT - EAST, "its counts go on");
    // What the lost region admitted is known to nobody, so in this window the limit is exceeded by that.
    assert_eq!(passed(&east, "k=asked-in-both").await, LIMIT - EAST);
}
