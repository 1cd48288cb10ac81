//! Decides requests.

use std::sync::Arc;

use tokio::time::Instant;

use crate::decision::plan::{Modes, Plan};
use crate::decision::request::Request;
use crate::decision::verdict::Verdict;
use crate::service::clock::Clock;
use crate::service::rulebook::Rulebook;
use crate::storage::trace::TraceContext;
use crate::storage::{CounterStore, HitAnswers, Moment};

/// Answers requests by the rules in force.
#[derive(Debug)]
pub struct Limiter<S, C> {
    rulebook: Arc<Rulebook>,
    store: S,
    clock: C,
    modes: Modes,
}

/// Who asks: nobody in particular by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asker {
    /// Until when an answer is waited for, where that was said.
    pub deadline: Option<Instant>,
    /// The request's span, where it is recorded.
    pub trace: Option<TraceContext>,
}

/// There is nothing to decide by: no rules were ever loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no rules are loaded yet; GET /readyz on the HTTP port says why")]
pub struct NoRules;

impl<S: CounterStore, C: Clock> Limiter<S, C> {
    /// A limiter that decides by the rules of `rulebook` and counts in `store`.
    #[must_use]
    pub fn new(rulebook: Arc<Rulebook>, store: S, clock: C, modes: Modes) -> Self {
        Self { rulebook, store, clock, modes }
    }

    /// Decides one request and hands the verdict, which borrows the rules, to `answer`. No store is waited for beyond the
    /// asker's deadline.
    ///
    /// # Errors
    /// Where no rules were ever loaded.
    pub async fn decide<R>(
        &self,
        request: &Request<'_>,
        asker: Asker,
        answer: impl FnOnce(&Verdict<'_>) -> R,
    ) -> Result<R, NoRules> {
        let current = self.rulebook.current();
        let snapshot = current.as_deref().ok_or(NoRules)?;
        // What is told of windows must go by the clock that they go by.
        let now = self.store.time(self.clock.now());
        let plan = Plan::new(request, &snapshot.rules, self.modes);
        let answers = match plan.batch() {
            batch if batch.hits.is_empty() => HitAnswers::new(),
            batch => {
                let Asker { deadline, trace } = asker;
                self.store.count(batch, Moment { now, deadline, trace }).await
            }
        };
        let verdict = Verdict::new(&plan, &answers, now);
        snapshot.outcomes.count(request.domain, &verdict);
        if let Some(statistics) = &snapshot.statistics {
            statistics.count(request, &verdict, self.modes.near_limit_ratio);
        }
        Ok(answer(&verdict))
    }
}

#[cfg(test)]
mod tests;
