//! Connections that are closed or cut, and what is left of them.

use std::time::Duration;

use tokio::time::sleep;

use super::fleet::{Fleet, LIMIT, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::{Load, burst};
use crate::harness::{Redis, Wire, ask, wait};

/// That no connection is left when all replicas have gone.
pub(super) async fn check_none(redis: &Redis) {
    wait::until("the connections to end", || async { redis.connections().await == 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_redis_closes_cost_no_call() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    let load = Load::start(&fleet, &ask("wide=v"));
    for _ in 0..10 {
        sleep(Duration::from_millis(200)).await;
        assert!(redis.kill_connections().await > 0);
    }
    let tally = load.stop().await;
    let answered = tally.answered();
    tally.print("CLIENT KILL");
    fleet.exact_again().await;
    super::scene::Scene::check_settled(fleet.counted("v").await, answered);
}

/// An idle connection that is closed is no failure: nobody was waiting on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_are_closed_are_no_reason_to_decide_alone() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    let before = fleet.fallback_decisions().await;
    for round in 0..5 {
        redis.kill_connections().await;
        sleep(Duration::from_millis(300)).await;
        let tally = burst(&fleet, 300, |_| ask(&format!("wide={round}"))).await;
        assert_eq!(tally.passed, 300);
    }
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
}

/// Asks for one key all the while connections are cut.
async fn storm(fleet: &Fleet, wire: &Wire, key: &str) -> usize {
    let cut = async {
        // No round numbers, so that cuts meet connections in every state.
        for pause in [29, 1, 7, 3, 13, 2, 43, 5].into_iter().cycle() {
            sleep(Duration::from_millis(pause)).await;
            if pause % 3 == 0 { wire.half_close() } else { wire.cut() }
        }
    };
    tokio::select! {
        tally = burst(fleet, 2 * LIMIT, |_| ask(key)) => tally.passed,
        () = cut => unreachable!("it cuts for ever"),
    }
}

/// Asks for one key in three storms and in the calm after each; gives how many passed, and how many hits the replicas admitted.
///
/// On a busy machine no reply may find its way through a storm, so what is left of the limit is asked for in the calm.
async fn cut_at_random(key: &str) -> (usize, usize) {
    let redis = Redis::start().await;
    let wire = Wire::to(redis.address);
    let fleet = Fleet::start(&settings("single", &[wire.url()], NARROW_BUDGET)).await;
    let (before, mut passed) = (fleet.admitted_alone().await, 0);
    for calm in [LIMIT / 10, LIMIT / 10, 2 * LIMIT] {
        passed += storm(&fleet, &wire, key).await;
        fleet.exact_again().await;
        passed += burst(&fleet, calm, |_| ask(key)).await.passed;
    }
    (passed, fleet.admitted_alone().await - before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_at_random_let_nothing_more_pass_under_deny() {
    let (passed, _) = cut_at_random("deny=v").await;
    assert!(passed <= LIMIT, "{passed}");
    assert!(passed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_at_random_let_pass_what_replicas_admit() {
    let (passed, alone) = cut_at_random("k=v").await;
    assert!(passed <= LIMIT + alone, "{passed} passed, {alone} admitted without the store");
    assert!(passed > 0);
}
