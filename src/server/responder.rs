//! What gRPC and JSON have in common: a message in, a message out, and what can go wrong in between.

use std::sync::Arc;

use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tokio::time::Instant;

use crate::decision::verdict::Verdict;
use crate::server::answer::AnswerSettings;
use crate::server::caller::{Caller, Correlation};
use crate::server::metrics::{Answered, RequestMetrics};
use crate::server::question::{self, RequestLimits};
use crate::server::trace::{RequestSpan, Tracer};
use crate::server::unanswered::Unanswered;
use crate::service::decision_log::CallerIds;
use crate::service::{Asker, Clock, DecisionLog, Limiter};
use crate::storage::CounterStore;

/// Answers rate limit messages.
#[derive(Debug)]
pub struct Responder<S, C> {
    limiter: Limiter<S, C>,
    limits: RequestLimits,
    answers: AnswerSettings,
    metrics: Arc<RequestMetrics>,
    decision_log: Option<Arc<DecisionLog>>,
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
        Self { limiter, limits, answers, metrics, decision_log: None, tracer: Tracer::default() }
    }

    /// Records requests, too.
    #[must_use]
    pub fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Writes decisions down, too.
    #[must_use]
    pub fn with_decision_log(self, decision_log: Option<Arc<DecisionLog>>) -> Self {
        Self { decision_log, ..self }
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
        let mut span = RequestSpan::begin(&self.tracer, caller, start);
        let asker = Asker { deadline, trace: span.as_ref().map(|span| span.context()) };
        let answer = self.answer(message, caller, asker, span.as_deref_mut()).await;
        match &answer {
            Ok(_) => self.metrics.answered(answered(start, &asker)),
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
        caller: &Caller<'_>,
        asker: Asker,
        span: Option<&mut RequestSpan>,
    ) -> Result<RateLimitResponse, Unanswered> {
        let request = question::read(message, &self.limits)?;
        let write = |verdict: &Verdict<'_>| {
            if let Some(span) = span {
                span.decided(&request, verdict);
            }
            if let Some(log) = &self.decision_log {
                log.note(|| ids(caller, &asker), &request, verdict);
            }
            self.answers.write(verdict, message)
        };
        Ok(self.limiter.decide(&request, asker, write).await?)
    }
}

/// By what a request is found elsewhere.
fn ids<'h>(caller: &Caller<'h>, asker: &Asker) -> CallerIds<'h> {
    let recorded = asker.trace.map(|context| context.trace);
    CallerIds { request_id: caller.request_id(), trace_id: recorded.or_else(|| caller.trace_id()) }
}

/// An answer that is ready now.
fn answered(start: Instant, asker: &Asker) -> Answered {
    let now = Instant::now();
    Answered {
        took: now.saturating_duration_since(start),
        left: asker.deadline.map(|deadline| deadline.saturating_duration_since(now)),
        trace: asker.trace.map(|context| context.trace),
    }
}

/// For people who look for a request by its id or its trace.
fn tell(unanswered: Unanswered, caller: &Caller<'_>) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        let Correlation { request_id, trace_id } = caller.correlation();
        tracing::debug!(request_id, trace_id, reason = %unanswered, "a request was not answered");
    }
}
