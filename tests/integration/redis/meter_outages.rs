//! Meters while their Redis is away: replicas hand out what was left and no more, and in the end all that passed is counted once.
//!
//! Nothing drains meanwhile, so that every number is exact. Every replica knows what had passed, and that there is no Redis, before callers
//! ask; and of what is asked of Redis each request is alone, so that none is decided twice because the machine is busy.

use std::time::Duration;

use super::fleet::{LIMIT, passes};
use super::load::burst;
use super::meters::{LEAKY, METERS};
use super::scene::{Scene, survive_asking};
use crate::harness::{Ask, ask};

/// What has passed before: what is left does not divide by three.
const BEFORE: usize = 201;
/// What is asked for meanwhile of meters that are not used up.
const MEANWHILE: usize = 90;

/// So many hits at once.
fn hits(entries: &str, hits: usize) -> Ask {
    ask(entries).hits(u32::try_from(hits).unwrap())
}

/// Uses a part of each meter up, and lets every replica know.
async fn use_some(scene: &Scene) {
    let before = scene.fleet.fallback_decisions().await;
    for value in ["all", "some", "none"] {
        for entries in METERS.map(|meter| format!("{meter}={value}")) {
            assert!(scene.fleet.passes(&hits(&entries, BEFORE)).await);
            for replica in &scene.fleet.replicas {
                assert!(passes(replica, &ask(&entries).own_hits(0)).await);
            }
        }
    }
    assert_eq!(scene.fleet.fallback_decisions().await, before, "every replica has read it");
}

async fn check_while_away(scene: &Scene) {
    // Until every thread of every replica knows.
    burst(&scene.fleet, 300, |_| ask("wide=v")).await;
    for meter in METERS {
        let tally = burst(&scene.fleet, 180, |_| hits(&format!("{meter}=all"), 5)).await;
        let shares = 3 * (LIMIT - BEFORE).div_ceil(3);
        assert_eq!(5 * tally.passed, shares, "{meter}: three shares, each rounded up");
        let tally = burst(&scene.fleet, MEANWHILE / 3, |_| hits(&format!("{meter}=some"), 3)).await;
        assert_eq!(3 * tally.passed, MEANWHILE, "{meter}");
    }
    check_used_up(scene).await;
    // Nobody has asked for it before: one for each replica.
    let tally = burst(&scene.fleet, 64, |_| ask(&format!("{LEAKY}=fresh"))).await;
    assert_eq!(tally.passed, 3);
}

/// That no replica admits any more of what is used up.
async fn check_used_up(scene: &Scene) {
    for entries in METERS.map(|meter| format!("{meter}=all")) {
        for replica in &scene.fleet.replicas {
            assert!(!passes(replica, &ask(&entries)).await, "{entries}: it is used up");
        }
    }
}

async fn check_afterwards(scene: &Scene) {
    let before = scene.fleet.fallback_decisions().await;
    check_used_up(scene).await;
    for meter in METERS {
        let (some, none) = (format!("{meter}=some"), format!("{meter}=none"));
        assert_eq!(scene.fleet.left(&some).await, LIMIT - BEFORE - MEANWHILE, "{meter}");
        assert_eq!(scene.fleet.left(&none).await, LIMIT - BEFORE, "{meter}");
        assert!(!scene.fleet.passes(&hits(&some, LIMIT - BEFORE - MEANWHILE + 1)).await, "{meter}");
        assert!(scene.fleet.passes(&hits(&some, LIMIT - BEFORE - MEANWHILE)).await, "{meter}");
    }
    assert!(!scene.fleet.passes(&ask(&format!("{LEAKY}=fresh"))).await);
    assert_eq!(scene.fleet.fallback_decisions().await, before, "every decision was the store's");
    assert_eq!(scene.redis.keys_without_expiry().await, Vec::<String>::new());
}

async fn survive(fail: impl AsyncFnOnce(&mut Scene), mend: impl AsyncFnOnce(&mut Scene)) {
    let mut scene = Scene::start().await;
    use_some(&scene).await;
    fail(&mut scene).await;
    check_while_away(&scene).await;
    mend(&mut scene).await;
    scene.recovers().await;
    check_afterwards(&scene).await;
    scene.fleet.stop().await;
}

/// It is told what had passed before and what was admitted since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_back_empty() {
    survive(async |scene| scene.redis.kill(), async |scene| scene.redis.start_again().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped() {
    survive(async |scene| scene.redis.pause(), async |scene| scene.redis.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused() {
    survive(async |scene| scene.wire.refuse().await, async |scene| scene.wire.pass()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole() {
    survive(async |scene| scene.wire.black_hole(), async |scene| scene.wire.pass()).await;
}

/// So slow that no probe is answered in time; one that were would settle, and the next share would be one of what is left then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow() {
    let late = Duration::from_secs(2);
    survive(async |scene| scene.wire.delay(late), async |scene| scene.wire.pass()).await;
}

/// Nobody learns whether a settlement arrived, so that it is told again; nor are its hits handed out again meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settlements_whose_replies_are_lost() {
    survive(
        async |scene| scene.wire.refuse().await,
        async |scene| {
            let before = scene.redis.command_count("eval").await;
            scene.wire.lose_replies_to("EVAL");
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(scene.redis.command_count("eval").await > before, "settlements were executed");
            check_used_up(scene).await;
            scene.wire.pass();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sliding_window_under_load() {
    let (refuse, pass) =
        (async |scene: &mut Scene| scene.wire.refuse().await, async |scene: &mut Scene| scene.wire.pass());
    survive_asking("narrow_sliding_window=v", "sliding window, refused", refuse, pass).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_bucket_under_load() {
    let kill = async |scene: &mut Scene| scene.redis.kill();
    let start = async |scene: &mut Scene| scene.redis.start_again().await;
    survive_asking("narrow_token_bucket=v", "token bucket, SIGKILL", kill, start).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sliding_log_under_load() {
    let pause = async |scene: &mut Scene| scene.redis.pause();
    let resume = async |scene: &mut Scene| scene.redis.resume();
    survive_asking("narrow_sliding_log=v", "sliding log, SIGSTOP", pause, resume).await;
}
