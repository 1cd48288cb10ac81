//! What gRPC and JSON have in common: a message in, a message out, and what can go wrong in between.

use std::sync::Arc;

use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tokio::time::Instant;

use crate::server::answer::AnswerSettings;
use crate::server::caller::Caller;
use crate::server::metrics::{Answered, RequestMetrics};
use crate::server::question::{self, RequestLimits};
use crate::server::unanswered::Unanswered;
use crate::service::decision_log::CallerIds;
use crate::service::{Clock, DecisionLog, Limiter};
use crate::storage::CounterStore;

/// Answers rate limit messages.
#[derive(Debug)]
pub struct Responder<S, C> {
    limiter: Limiter<S, C>,
    limits: RequestLimits,
    answers: AnswerSettings,
    metrics: Arc<RequestMetrics>,
    decision_log: Option<Arc<DecisionLog>>,
}

impl<S: CounterStore, C: Clock> Responder<S, C> {
    /// A responder that decides by `limiter`, and writes decisions down where there is a log.
    #[must_use]
    pub fn new(
        limiter: Limiter<S, C>,
        limits: RequestLimits,
        answers: AnswerSettings,
        metrics: Arc<RequestMetrics>,
        decision_log: Option<Arc<DecisionLog>>,
    ) -> Self {
        Self { limiter, limits, answers, metrics, decision_log }
    }

    /// Answers one message of this caller.
    ///
    /// # Errors
    /// Where it is malformed or no rules are loaded.
    pub async fn respond(
        &self,
        message: &RateLimitRequest,
        caller: Caller<'_>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let start = Instant::now();
        let deadline = caller.patience.and_then(|patience| start.checked_add(patience));
        let answer = self.answer(message, caller.ids, deadline).await;
        match &answer {
            Ok(_) => self.metrics.answered(answered(start, deadline)),
            Err(unanswered) => self.metrics.unanswered(*unanswered),
        }
        answer
    }

    async fn answer(
        &self,
        message: &RateLimitRequest,
        ids: CallerIds<'_>,
        deadline: Option<Instant>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let request = question::read(message, &self.limits)?;
        let decided = self.limiter.decide(&request, deadline, |verdict| {
            if let Some(log) = &self.decision_log {
                log.note(ids, &request, verdict);
            }
            self.answers.write(verdict, message)
        });
        Ok(decided.await?)
    }
}

/// An answer that is ready now.
fn answered(start: Instant, deadline: Option<Instant>) -> Answered {
    let now = Instant::now();
    Answered {
        took: now.saturating_duration_since(start),
        left: deadline.map(|deadline| deadline.saturating_duration_since(now)),
        trace: None,
    }
}
