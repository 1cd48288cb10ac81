//! Replicas that start while there is no Redis.

use super::fleet::{Fleet, NARROW_BUDGET, settings};
use super::load::burst;
use super::scene::{Scene, exact_and_clean};
use crate::harness::{Redis, Wire, ask};

/// Starts replicas while `fail` holds, asks them, and lets the store come.
async fn starts_without(
    fail: impl AsyncFnOnce(&mut Redis, &Wire),
    mend: impl AsyncFnOnce(&mut Redis, &Wire),
) {
    let mut redis = Redis::start().await;
    let wire = Wire::to(redis.address);
    fail(&mut redis, &wire).await;
    // It waits until the replicas are ready.
    let fleet = Fleet::start_alone(&settings("single", &[wire.url()], NARROW_BUDGET)).await;
    let answered = burst(&fleet, 300, |_| ask("wide=v")).await.answered();
    assert!(fleet.fallback_decisions().await >= 300);
    mend(&mut redis, &wire).await;
    let scene = Scene { redis, wire, fleet };
    scene.recovers().await;
    Scene::check_settled(scene.fleet.counted("v").await, answered);
    exact_and_clean(scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listens() {
    starts_without(async |redis, _| redis.kill(), async |redis, _| redis.start_again().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_answers() {
    starts_without(async |_, wire| wire.black_hole(), async |_, wire| wire.pass()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_loading() {
    let loading = "LOADING Redis is loading the dataset in memory";
    starts_without(async |_, wire| wire.answer(loading), async |_, wire| wire.pass()).await;
}
