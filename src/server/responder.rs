//! What gRPC and JSON have in common: a message in, a message out, and what can go wrong in between.

use std::sync::Arc;

use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tokio::time::Instant;

use crate::decision::verdict::Verdict;
use crate::server::answer::AnswerSettings;
use crate::server::caller::{Caller, Correlation};
use crate::server::metrics::RequestMetrics;
use crate::server::question::{self, RequestLimits};
use crate::server::trace::{RequestSpan, Tracer};
use crate::server::unanswered::Unanswered;
use crate::service::{Asker, Clock, Limiter};
use crate::storage::CounterStore;

/// Answers rate limit messages.
#[derive(Debug)]
pub struct Responder<S, C> {
    limiter: Limiter<S, C>,
    limits: RequestLimits,
    answers: AnswerSettings,
    metrics: Arc<RequestMetrics>,
    tracer: Tracer,
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
        Self { limiter, limits, answers, metrics, tracer: Tracer::default() }
    }

    /// Records requests, too.
    #[must_use]
    pub fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Answers one message of this caller.
    ///
    /// # Errors
    /// Where it is malformed or no rules are loaded.
    pub async fn respond(
        &self,
        message: &RateLimitRequest,
        caller: &Caller<'_>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let start = Instant::now();
        let deadline = caller.patience.and_then(|patience| start.checked_add(patience));
        // What is left of a recorded request here, its trace, is what an exemplar of its duration would name.
        let mut span = RequestSpan::begin(&self.tracer, caller, start);
        let asker = Asker { deadline, trace: span.as_ref().map(|span| span.context()) };
        let answer = self.answer(message, asker, span.as_deref_mut()).await;
        match &answer {
            Ok(_) => self.metrics.answered(start.elapsed()),
            Err(unanswered) => {
                self.metrics.unanswered(*unanswered);
                tell(*unanswered, caller);
            }
        }
        if let Some(span) = span {
            span.end(answer.as_ref().map_err(|unanswered| *unanswered));
        }
        answer
    }

    async fn answer(
        &self,
        message: &RateLimitRequest,
        asker: Asker,
        span: Option<&mut RequestSpan>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let request = question::read(message, &self.limits)?;
        let write = |verdict: &Verdict<'_>| {
            if let Some(span) = span {
                span.decided(&request, verdict);
            }
            self.answers.write(verdict, message)
        };
        Ok(self.limiter.decide(&request, asker, write).await?)
    }
}

/// For people who look for a request by its id or its trace.
fn tell(unanswered: Unanswered, caller: &Caller<'_>) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        let Correlation { request_id, trace_id } = caller.correlation();
        tracing::debug!(request_id, trace_id, reason = %unanswered, "a request was not answered");
    }
}
