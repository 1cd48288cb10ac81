//! A connection's streams under load: which one sends what and when.
//!
//! One task does it all. A stream is no more than a slot with a sequence of keys: whoever is free takes the next request.

use std::task::{Context, Poll};

use tokio::time::Instant;

use super::alarm::Alarm;
use super::answer::CallError;
use super::connection::{Plan, RECONNECT_PAUSE, Run};
use super::http2::session::Ended;
use super::keys::Keys;
use super::link::{Link, LinkError};
use super::pace::Pace;

/// A connection's streams in one phase.
#[derive(Debug)]
pub struct Streams<'a> {
    plan: &'a Plan,
    run: &'a Run,
    pace: Pace,
    alarm: Option<&'a mut Alarm>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Whether requests wait for a slot, and since when they have not had to.
    is_full: bool,
    free_since: Instant,
    /// Kept, so that reading allocates nothing.
    ended: Vec<Ended>,
    answers: u64,
}

/// A stream: its keys, and since when its request counts.
#[derive(Debug)]
struct Slot {
    keys: Keys,
    since: Instant,
}

/// How a connection's part in a phase ended, or was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No more requests go out, and all have ended.
    PhaseOver,
    /// The connection is of no more use.
    ConnectionLost,
}

impl<'a> Streams<'a> {
    /// All idle, at the beginning of a phase.
    #[must_use]
    pub fn new(plan: &'a Plan, number: u64, run: &'a Run, pace: Pace, alarm: Option<&'a mut Alarm>) -> Self {
        run.tally.lock().plan(pace.left());
        let now = Instant::now();
        // Far apart, so that no two streams draw the same sequence of keys.
        let seed = |stream: usize| (number << 32) | stream as u64;
        let slot = |stream| Slot { keys: Keys::of(plan.keys, seed(stream)), since: now };
        let slots: Vec<Slot> = (0..plan.streams).map(slot).collect();
        let free = (0..plan.streams).rev().collect();
        Self {
            plan,
            run,
            pace,
            alarm,
            slots,
            free,
            is_full: false,
            free_since: run.phase.began(),
            ended: Vec::new(),
            answers: 0,
        }
    }

    /// The connection that there is, or a new one; nothing once the phase is over.
    pub async fn connect(&mut self, link: Option<Link>) -> Option<Link> {
        if link.is_some() {
            return link;
        }
        while !self.pace.is_over(&self.run.phase, Instant::now()) {
            if let Ok(link) = self.plan.target.connect(self.plan.connect_timeout).await {
                self.free_since = Instant::now();
                return Some(link);
            }
            self.run.tally.lock().fail(CallError::ConnectionRefused, 1);
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
        None
    }

    /// Ready when the phase is over and all calls have ended, or when the connection is of no more use.
    pub fn poll(&mut self, link: &mut Link, context: &mut Context<'_>) -> Poll<End> {
        match self.poll_calls(link, context) {
            Poll::Ready(Ok(end)) => Poll::Ready(end),
            Poll::Ready(Err(_)) => {
                link.session.abandon(&mut self.ended);
                self.count_ended(link);
                Poll::Ready(End::ConnectionLost)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_calls(&mut self, link: &mut Link, context: &mut Context<'_>) -> Poll<Result<End, LinkError>> {
        loop {
            self.begin_calls(link);
            link.flush(context)?;
            if link.session.open_calls() == 0 {
                if link.session.is_leaving() {
                    return Poll::Ready(Ok(End::ConnectionLost));
                }
                if self.pace.is_over(&self.run.phase, Instant::now()) {
                    return Poll::Ready(Ok(End::PhaseOver));
                }
            }
            if link.poll_read(context, &mut self.ended)?.is_ready() {
                self.count_ended(link);
            } else if self.poll_alarm(link, context)?.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Decisions so far.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// Begins all calls whose time has come, as far as there are streams for them.
    fn begin_calls(&mut self, link: &mut Link) {
        let may_call = !self.free.is_empty() && link.session.can_call();
        self.is_full = !may_call;
        if !may_call {
            return;
        }
        let now = Instant::now();
        let mut tally = self.run.tally.lock();
        while link.session.can_call()
            && let Some(&slot) = self.free.last()
            && let Some(since) = self.pace.take(&self.run.phase, now)
        {
            self.free.pop();
            let Slot { keys, since: slot_since } = &mut self.slots[slot];
            *slot_since = since;
            match self.pace {
                Pace::Closed => tally.send(),
                Pace::Open(_) => {
                    let could = since.max(self.free_since);
                    tally.send_due(now.saturating_duration_since(could), could > since);
                }
            }
            let template = &self.plan.template;
            link.session.call(slot, &self.plan.head, template.len(), |out| template.write(keys, out));
        }
        self.is_full = self.free.is_empty() || !link.session.can_call();
    }

    fn count_ended(&mut self, link: &Link) {
        let now = Instant::now();
        let mut tally = self.run.tally.lock();
        for (slot, outcome) in self.ended.drain(..) {
            self.answers += u64::from(outcome.is_ok());
            tally.end_at(outcome, now.saturating_duration_since(self.slots[slot].since), now);
            self.free.push(slot);
        }
        if self.is_full && !self.free.is_empty() && link.session.can_call() {
            self.free_since = now;
        }
    }

    /// Wakes up for the next request that is due, if there is a stream for it.
    fn poll_alarm(&mut self, link: &Link, context: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let may_call = !self.free.is_empty() && link.session.can_call();
        match (self.pace.next_due(&self.run.phase, Instant::now()), &mut self.alarm) {
            (Some(due), Some(alarm)) if may_call => alarm.poll(due, context).map_err(LinkError::from),
            _ => Poll::Pending,
        }
    }
}
