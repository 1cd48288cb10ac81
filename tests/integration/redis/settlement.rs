//! What was admitted without the store is counted when it is back: once, whatever happens on the way.

use std::time::Duration;

use tokio::time::sleep;

use super::fleet::LIMIT;
use super::load::{Load, RATE, burst};
use super::scene::{Scene, exact_and_clean};
use crate::harness::{ask, wait};

/// Asks for two seconds without a store, which is refused from the beginning; gives how many were answered in all.
async fn outage(scene: &Scene) -> usize {
    let load = Load::start(&scene.fleet, &ask("wide=v"));
    sleep(Duration::from_millis(500)).await;
    scene.wire.refuse().await;
    sleep(Duration::from_secs(2)).await;
    let answered = load.stop().await.answered();
    assert!(answered > RATE, "{answered}");
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_admitted_is_counted_without_anybody_asking() {
    let scene = Scene::start().await;
    let answered = outage(&scene).await;
    scene.wire.pass();
    scene.recovers().await;
    // Looks count nothing, so that the count is the settlement's doing.
    Scene::check_settled(scene.fleet.counted("v").await, answered);
    exact_and_clean(scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_whose_reply_is_lost_is_sent_again_and_counts_once() {
    let scene = Scene::start().await;
    let answered = outage(&scene).await;
    // A script that this connection has not used yet goes with its text.
    let before = scene.redis.command_count("eval").await;
    scene.wire.lose_replies_to("EVAL");
    sleep(Duration::from_secs(2)).await;
    assert!(scene.redis.command_count("eval").await > before, "the settlement was executed");
    scene.wire.pass();
    scene.recovers().await;
    Scene::check_settled(scene.fleet.counted("v").await, answered);
    exact_and_clean(scene).await;
}

/// Twice in one window: the second outage's admissions are not taken for the first's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_outages_are_settled_both() {
    let scene = Scene::start().await;
    let mut answered = 0;
    for _ in 0..2 {
        answered += outage(&scene).await;
        scene.wire.pass();
        scene.recovers().await;
    }
    Scene::check_settled(scene.fleet.counted("v").await, answered);
    exact_and_clean(scene).await;
}

/// A Redis that lost everything gets back what replicas read last and what they admitted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_came_back_empty_is_mended() {
    let mut scene = Scene::start().await;
    let load = Load::start(&scene.fleet, &ask("wide=v"));
    sleep(Duration::from_secs(2)).await;
    scene.redis.kill();
    sleep(Duration::from_millis(500)).await;
    let answered = load.stop().await.answered();
    scene.redis.start_again().await;
    scene.recovers().await;
    Scene::check_settled(scene.fleet.counted("v").await, answered);
    exact_and_clean(scene).await;
}

/// Uses these keys up, until the store alone denies whatever comes. On a busy machine replicas may decide some calls by themselves.
async fn use_up(scene: &Scene, keys: [&str; 2]) {
    for key in keys {
        wait::until("the limit to be used up", || async {
            let alone = scene.fleet.fallback_decisions().await;
            let tally = burst(&scene.fleet, 6 * LIMIT, |_| ask(key)).await;
            tally.passed == 0 && scene.fleet.fallback_decisions().await == alone
        })
        .await;
    }
}

/// A limit that was used up stays so, whether or not anybody asked for it while Redis was away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_came_back_empty_gives_no_quota_away() {
    let mut scene = Scene::start().await;
    use_up(&scene, ["k=asked", "k=not-asked"]).await;
    scene.redis.kill();
    let tally = burst(&scene.fleet, 2 * LIMIT, |_| ask("k=asked")).await;
    assert_eq!(tally.passed, 0, "all of it was read as used up");
    scene.redis.start_again().await;
    scene.recovers().await;
    for key in ["k=asked", "k=not-asked"] {
        let tally = burst(&scene.fleet, 2 * LIMIT, |_| ask(key)).await;
        assert_eq!(tally.passed, 0, "{key}");
    }
    exact_and_clean(scene).await;
}

/// A restart that no request notices opens no breaker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_empty_for_a_moment_is_mended() {
    let mut scene = Scene::start().await;
    use_up(&scene, ["k=one", "k=two"]).await;
    scene.redis.kill();
    scene.redis.start_again().await;
    sleep(Duration::from_secs(3)).await;
    for key in ["k=one", "k=two"] {
        let tally = burst(&scene.fleet, 2 * LIMIT, |_| ask(key)).await;
        assert_eq!(tally.passed, 0, "{key}");
    }
    exact_and_clean(scene).await;
}
