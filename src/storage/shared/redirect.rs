//! Asking the shard that has a slot, and whichever a Redis Cluster sends us to from there.
//!
//! MOVED, ASK and TRYAGAIN say that nothing was done, so what they answer is sent again, for that element alone and within
//! the request's budget. Outside of a Cluster nothing is followed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::storage::redis::failure::Failure;
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Outcome, Route, Way};
use crate::storage::shared::SharedStore;
use crate::storage::shared::shard::Shard;
use crate::storage::shared::shards::Hint;
use crate::storage::shared::view::View;
use crate::storage::slot::Slot;

/// How often one order is sent at the most. A slot that moves takes two; more means that nodes do not agree yet.
const MOST_SENDINGS: usize = 16;

/// The pause where a slot's keys are in two places, or nodes do not agree.
const PAUSE: Duration = Duration::from_millis(1);

/// Something that can be asked of any shard.
pub(super) trait Question: Sync {
    /// What is told.
    type Told: Send;

    /// Asks this shard.
    fn ask(&self, target: Target<'_>) -> impl Future<Output = Outcome<Self::Told>> + Send;
}

/// Whom to ask.
pub(super) struct Target<'v> {
    pub(super) link: &'v Link,
    pub(super) shard: &'v Shard,
    pub(super) route: Route,
}

/// Where something is sent next.
struct Course {
    view: Arc<View>,
    number: usize,
    route: Route,
    /// How often it was sent elsewhere.
    redirects: usize,
}

impl Course {
    /// To the same shard in another way.
    fn again(&self, way: Way) -> Self {
        let Self { view, number, route, redirects } = self;
        let route = Route { way, ..*route };
        Self { view: Arc::clone(view), number: *number, route, redirects: *redirects }
    }
}

impl SharedStore {
    /// Asks the shard that has the slot, and goes where it is sent. Nothing where the shard is known to be away.
    pub(super) async fn ask<Q: Question>(
        &self,
        view: &Arc<View>,
        slot: Slot,
        question: &Q,
        deadline: Instant,
    ) -> Option<Outcome<Q::Told>> {
        let number = view.topology.owner(slot);
        let way = view.topology.shard(number).group().placement().first_way();
        let route = Route { slot, way };
        let mut course = Course { view: Arc::clone(view), number, route, redirects: 0 };
        for sending in 1..=MOST_SENDINGS {
            let Course { view, number, route, .. } = &course;
            let shard = view.topology.shard(*number);
            if !shard.breaker().is_closed() {
                return None;
            }
            let outcome = question.ask(Target { link: view.link(*number), shard, route: *route }).await;
            let Outcome::NotDone(failure) = &outcome else { return Some(outcome) };
            if !shard.group().redirects() || sending == MOST_SENDINGS {
                return Some(outcome);
            }
            match self.next_course(&course, failure, deadline).await {
                Some(next) => course = next,
                None => return Some(outcome),
            }
        }
        None
    }

    /// Where to go after this failure; nothing where it is no matter of where, or there is no time left.
    async fn next_course(&self, course: &Course, failure: &Failure, deadline: Instant) -> Option<Course> {
        let from = course.view.topology.shard(course.number);
        let (target, way) = match (failure, course.route.way) {
            (Failure::Moved(redirect), _) => (self.shards.note(Hint::Moved, redirect, from)?, Way::Straight),
            // Redis 6 says so of a whole call when one of its keys has left, be it another order's.
            (Failure::Ask(_), Way::Straight) => return Some(course.again(Way::Apart)),
            (Failure::Ask(redirect), _) => (self.shards.note(Hint::Moving, redirect, from)?, Way::Asking),
            (Failure::TryAgain, way) => {
                self.pause(deadline).await?;
                return Some(course.again(if way == Way::Asking { way } else { Way::Apart }));
            }
            _ => return None,
        };
        if course.redirects > 0 {
            // Nodes that send us in circles do not agree yet.
            self.pause(deadline).await?;
        }
        let view = self.view();
        let number = view.topology.find(from.group(), &target)?;
        let redirects = course.redirects + 1;
        Some(Course { view, number, route: Route { way, ..course.route }, redirects })
    }

    async fn pause(&self, deadline: Instant) -> Option<()> {
        let until = Instant::now() + PAUSE;
        if until >= deadline {
            return None;
        }
        sleep_until(until).await;
        Some(())
    }
}
