//! What gRPC and JSON have in common: a message in, a message out, and what can go wrong in between.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tokio::time::Instant;

use crate::server::answer::AnswerSettings;
use crate::server::metrics::{Answered, RequestMetrics};
use crate::server::question::{self, RequestLimits};
use crate::server::unanswered::Unanswered;
use crate::service::{Clock, Limiter};
use crate::storage::CounterStore;

/// Answers rate limit messages.
#[derive(Debug)]
pub struct Responder<S, C> {
    limiter: Limiter<S, C>,
    limits: RequestLimits,
    answers: AnswerSettings,
    metrics: Arc<RequestMetrics>,
}

impl<S: CounterStore, C: Clock> Responder<S, C> {
    /// A responder that decides by `limiter`.
    #[must_use]
    pub fn new(
        limiter: Limiter<S, C>,
        limits: RequestLimits,
        answers: AnswerSettings,
        metrics: Arc<RequestMetrics>,
    ) -> Self {
        Self { limiter, limits, answers, metrics }
    }

    /// Answers one message, for a caller that waits so long, where it said so.
    ///
    /// # Errors
    /// Where it is malformed or no rules are loaded.
    pub async fn respond(
        &self,
        message: &RateLimitRequest,
        patience: Option<Duration>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let start = Instant::now();
        let deadline = patience.and_then(|patience| start.checked_add(patience));
        let answer = self.answer(message, deadline).await;
        match &answer {
            Ok(_) => self.metrics.answered(answered(start, deadline)),
            Err(unanswered) => self.metrics.unanswered(*unanswered),
        }
        answer
    }

    async fn answer(
        &self,
        message: &RateLimitRequest,
        deadline: Option<Instant>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let request = question::read(message, &self.limits)?;
        Ok(self.limiter.decide(&request, deadline, |verdict| self.answers.write(verdict, message)).await?)
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
