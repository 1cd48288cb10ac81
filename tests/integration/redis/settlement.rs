//! What was admitted without the store is counted when it is back: once, whatever happens on the way.

use std::time::Duration;

use tokio::time::sleep;

use super::load::{Load, RATE};
use super::scene::{Scene, exact_and_clean};
use crate::harness::ask;

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
