//! An outage from its beginning to its end: three replicas, a wire and a Redis, under load all the time.

use std::time::Duration;

use tokio::time::sleep;

use super::fleet::{Fleet, NARROW, NARROW_BUDGET, settings};
use super::load::{Load, RATE, STEADY_CALLERS};
use crate::harness::{Redis, Wire, ask};

/// How long everything goes well at first.
const BEFORE: Duration = Duration::from_millis(700);
/// How long the outage lasts.
const OUTAGE: Duration = Duration::from_millis(2500);

/// By how much a count may be off after an outage, and admissions beyond the limit: calls whose outcome nobody learned,
/// what was counted between a replica's last reading and the outage, and the rounding of shares.
///
/// Every caller may have a call in flight when it begins, and so may those who come before five failures have opened
/// the breaker of each thread of each replica.
pub(super) const SLACK: usize = 3 * STEADY_CALLERS;

/// What an outage test has to play with.
pub(super) struct Scene {
    pub(super) redis: Redis,
    pub(super) wire: Wire,
    pub(super) fleet: Fleet,
}

impl Scene {
    /// Starts everything.
    pub(super) async fn start() -> Self {
        let redis = Redis::start().await;
        let wire = Wire::to(redis.address);
        let fleet = Fleet::start(&settings("single", &[wire.url()], NARROW_BUDGET)).await;
        Self { redis, wire, fleet }
    }

    /// Waits until the store decides again.
    pub(super) async fn recovers(&self) {
        let took = self.fleet.exact_again().await;
        eprintln!("exact again after {took:.1?}");
    }

    /// That the hits of `wide=<value>` are counted, each once.
    #[track_caller]
    pub(super) fn check_settled(counted: usize, answered: usize) {
        eprintln!("{answered} answered, {counted} counted");
        assert!(counted + SLACK >= answered, "{answered} were answered, but only {counted} are counted");
        assert!(counted <= answered + SLACK, "{answered} were answered, but {counted} are counted");
    }
}

/// Lets the store fail under load and come back, and holds everything against what is promised.
pub(super) async fn survive(
    what: &str,
    fail: impl AsyncFnOnce(&mut Scene),
    mend: impl AsyncFnOnce(&mut Scene),
) {
    survive_asking("narrow=v", what, fail, mend).await;
}

/// The same where a descriptor with the limit [`NARROW`] is asked for.
pub(super) async fn survive_asking(
    narrow: &str,
    what: &str,
    fail: impl AsyncFnOnce(&mut Scene),
    mend: impl AsyncFnOnce(&mut Scene),
) {
    let mut scene = Scene::start().await;
    let load = Load::start(&scene.fleet, &ask(narrow).also("wide=v"));
    sleep(BEFORE).await;
    assert!(scene.fleet.counted("v").await > 0, "the load has begun");
    fail(&mut scene).await;
    sleep(OUTAGE).await;
    assert!(scene.fleet.fallback_decisions().await > 100, "{what} is no outage");
    mend(&mut scene).await;
    scene.recovers().await;
    let tally = load.stop().await;
    let (passed, answered) = (tally.passed, tally.answered());
    tally.print(what);
    check_narrow(passed, answered);
    Scene::check_settled(scene.fleet.counted("v").await, answered);
    exact_and_clean(scene).await;
}

/// Loses a master under load and waits until another one has taken its place, then finds the old one again, and holds
/// everything against what is promised. `lose` gives what `find` needs to know.
pub(super) async fn survive_promotion<S, M>(
    what: &str,
    fleet: &Fleet,
    servers: &mut S,
    lose: impl AsyncFnOnce(&mut S) -> M,
    find: impl FnOnce(&mut S, M),
) {
    let load = Load::start(fleet, &ask("narrow=v").also("wide=v"));
    sleep(BEFORE).await;
    assert!(fleet.counted("v").await > 0, "the load has begun");
    let lost = lose(servers).await;
    let took = fleet.exact_again().await;
    eprintln!("{what}: exact again {took:.1?} after the promotion");
    find(servers, lost);
    // What comes back believes to be a master until it hears better; nobody may ask it.
    sleep(BEFORE * 2).await;
    let tally = load.stop().await;
    let (passed, answered) = (tally.passed, tally.answered());
    tally.print(what);
    check_narrow(passed, answered);
    fleet.exact_again().await;
    Scene::check_settled(fleet.counted("v").await, answered);
    super::exactness::check_exact_again(fleet).await;
}

/// What replicas that find the store later than the first may admit meanwhile, which it does not know of yet: they find it
/// within a third of a second of each other.
const APART: usize = RATE / 3;

/// That the limit of `narrow` was reached and held.
#[track_caller]
fn check_narrow(passed: usize, answered: usize) {
    assert!(answered > NARROW * 6 / 5, "the load would not have reached the limit");
    assert!(passed <= NARROW + SLACK + APART, "{passed} passed under a limit of {NARROW}");
    assert!(passed + SLACK >= NARROW, "only {passed} passed under a limit of {NARROW}");
}

/// That after all that happened a fresh key is counted exactly, and nothing stays behind.
pub(super) async fn exact_and_clean(scene: Scene) {
    super::exactness::check_exact_again(&scene.fleet).await;
    assert_eq!(scene.redis.keys_without_expiry().await, Vec::<String>::new());
    scene.fleet.stop().await;
    super::connections::check_none(&scene.redis).await;
}
