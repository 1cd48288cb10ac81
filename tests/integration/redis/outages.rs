//! Ways to lose a Redis, each under load: no call fails, the limit holds within its bound, and all is counted in the end.

use std::time::Duration;

use super::fleet::{Fleet, LIMIT, NARROW_BUDGET, settings};
use super::load::burst;
use super::scene::{Scene, exact_and_clean, survive};
use crate::harness::metrics::Metrics;
use crate::harness::{Redis, Wire, ask, http, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_back_empty() {
    survive("SIGKILL", async |scene| scene.redis.kill(), async |scene| scene.redis.start_again().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped() {
    survive("SIGSTOP", async |scene| scene.redis.pause(), async |scene| scene.redis.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused() {
    survive("refused", async |scene| scene.wire.refuse().await, async |scene| scene.wire.pass()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole() {
    survive("black hole", async |scene| scene.wire.black_hole(), async |scene| scene.wire.pass()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow() {
    // More than the budget, so that every answer comes too late, and less than a probe waits for the clock.
    let late = Duration::from_millis(300);
    survive("300 ms late", async |scene| scene.wire.delay(late), async |scene| scene.wire.pass()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_that_break_off() {
    survive(
        "replies lost",
        async |scene| scene.wire.lose_replies_after(1001),
        async |scene| scene.wire.pass(),
    )
    .await;
}

/// What flaps is not asked again and again, and does not make decisions flap: it costs what an outage costs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flapping() {
    survive(
        "flapping",
        async |scene| {
            for _ in 0..5 {
                scene.wire.refuse().await;
                tokio::time::sleep(Duration::from_millis(150)).await;
                scene.wire.pass();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            scene.wire.refuse().await;
        },
        async |scene| scene.wire.pass(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rule_says_what_becomes_of_its_hits() {
    let scene = Scene::start().await;
    scene.wire.refuse().await;
    // Until every thread of every replica knows.
    burst(&scene.fleet, 300, |_| ask("wide=v")).await;
    let tally = burst(&scene.fleet, LIMIT, |_| ask("deny=v")).await;
    assert_eq!((tally.passed, tally.denied), (0, LIMIT));
    let tally = burst(&scene.fleet, 2 * LIMIT, |_| ask("allow=v")).await;
    assert_eq!((tally.passed, tally.denied), (2 * LIMIT, 0));
    // Each replica admits its share, rounded up, and the shares of three are all that there is.
    let tally = burst(&scene.fleet, 6 * LIMIT, |_| ask("k=v")).await;
    assert_eq!(tally.passed, 3 * LIMIT.div_ceil(3));
    scene.wire.pass();
    scene.recovers().await;
    exact_and_clean(scene).await;
}

/// The number of replicas is learned from the store, and holds while it is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_know_each_other_share_a_limit_out() {
    let redis = Redis::start().await;
    let wire = Wire::to(redis.address);
    let settings = settings("single", &[wire.url()], NARROW_BUDGET).replace("replicas: 3", "replicas: auto");
    let fleet = Fleet::start(&settings).await;
    // Longer than replicas take to announce themselves and to see each other.
    tokio::time::sleep(Duration::from_secs(4)).await;
    wire.refuse().await;
    let tally = burst(&fleet, 6 * LIMIT, |_| ask("k=v")).await;
    assert_eq!(tally.passed, 3 * LIMIT.div_ceil(3));
    wire.pass();
    fleet.exact_again().await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new(), "announcements go, too");
}

/// A store that came back empty forgot how many replicas there are, and must not be believed before all had the time to say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_a_store_forgot_still_count() {
    let mut redis = Redis::start().await;
    let settings = settings("single", &[redis.url()], NARROW_BUDGET).replace("replicas: 3", "replicas: auto");
    let fleet = Fleet::start(&settings).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    redis.kill();
    burst(&fleet, 300, |_| ask("wide=v")).await;
    redis.start_again().await;
    fleet.exact_again().await;
    redis.kill();
    let tally = burst(&fleet, 6 * LIMIT, |_| ask("k=v")).await;
    assert_eq!(tally.passed, 3 * LIMIT.div_ceil(3));
}

/// Losing the store makes a replica degraded, not unready: all would leave at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_once_and_changes_no_readiness() {
    let mut scene = Scene::start().await;
    let lines = scene.fleet.replicas[0].log().lines().count();
    scene.redis.kill();
    burst(&scene.fleet, 3000, |_| ask("wide=v")).await;
    for replica in &mut scene.fleet.replicas {
        replica.ready().await;
    }
    // Probes that fail as the first ones did are no news.
    let listen = scene.fleet.replicas[0].listen.metrics;
    let probes = [r#"to="half_open""#];
    wait::until("some probes to fail", || async {
        Metrics::read(listen).await.sum("ratekeeper_breaker_transitions_total", &probes) >= 5.0
    })
    .await;
    let log = scene.fleet.replicas[0].log();
    let told: Vec<&str> = log.lines().skip(lines).filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    scene.redis.start_again().await;
    scene.recovers().await;
    exact_and_clean(scene).await;
}

/// Who waits in vain for a connection knows only that time was over; the log and the readiness page know why there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_by_its_cause() {
    let mut redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], NARROW_BUDGET)).await;
    burst(&fleet, 30, |_| ask("wide=v")).await;
    redis.kill();
    let replica = &fleet.replicas[0];
    let probes = [r#"to="half_open""#];
    wait::until("some probes to fail", || async {
        burst(&fleet, 30, |_| ask("wide=v")).await;
        Metrics::read(replica.listen.metrics).await.sum("ratekeeper_breaker_transitions_total", &probes)
            >= 5.0
    })
    .await;
    let log = replica.log();
    let away: Vec<&str> = log.lines().filter(|line| line.contains("the shard is away")).collect();
    assert_eq!(away.len(), 1, "{away:#?}");
    assert!(
        away[0].contains("efused") || away[0].contains("closed") || away[0].contains("reset"),
        "{}",
        away[0]
    );
    let ready = http::get(replica.listen.http, "/readyz").await.unwrap();
    assert!(ready.text().contains("disconnected"), "{}", ready.text());
}
