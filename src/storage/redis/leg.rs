//! One call of a flight, whatever it is for: written, answered, failed, or asked again.

use std::sync::Arc;

use redis::{Cmd, Value};
use tokio::time::Instant;

use crate::storage::redis::call::CountCall;
use crate::storage::redis::connection::{parse_time, time_command};
use crate::storage::redis::credentials::Login;
use crate::storage::redis::errand::{Errand, Expiry, TimeQuestion};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::mend::Mend;
use crate::storage::redis::order::Outcome;
use crate::storage::redis::script::KnownScripts;
use crate::storage::redis::shard_time::ShardTime;
use crate::storage::trace::TraceContext;

/// One command of a flight and who waits for it.
#[derive(Debug)]
pub(super) enum Leg {
    Count(CountCall),
    Mend(Mend),
    Time(TimeQuestion),
    Login(Arc<Login>),
}

impl Leg {
    /// How many orders it carries.
    pub(super) fn orders(&self) -> usize {
        match self {
            Leg::Count(call) => call.orders(),
            Leg::Mend(_) | Leg::Time(_) | Leg::Login(_) => 0,
        }
    }

    /// How many keys it names.
    pub(super) fn keys(&self) -> usize {
        match self {
            Leg::Count(call) => call.keys(),
            Leg::Mend(mend) => mend.keys(),
            Leg::Time(_) | Leg::Login(_) => 0,
        }
    }

    /// The spans of the recorded requests that it carries.
    pub(super) fn traces(&self) -> impl Iterator<Item = TraceContext> {
        let call = if let Leg::Count(call) = self { Some(call) } else { None };
        call.into_iter().flat_map(CountCall::traces)
    }

    /// Whether it is a call of a script.
    pub(super) fn is_call(&self) -> bool {
        matches!(self, Leg::Count(_) | Leg::Mend(_))
    }

    /// Whether somebody still waits for its answer.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Leg::Count(call) => call.is_awaited(),
            Leg::Mend(mend) => mend.ticket.is_awaited(),
            Leg::Time(_) | Leg::Login(_) => true,
        }
    }

    /// Writes its commands: the one that is answered, after ASKING where it has to be announced.
    pub(super) fn write(&self, prefix: &[u8], known: &mut KnownScripts, commands: &mut Vec<Cmd>) {
        if self.asks() {
            commands.push(redis::cmd("ASKING"));
        }
        commands.push(match self {
            Leg::Count(call) => call.write(prefix, known),
            Leg::Mend(mend) => mend.write(prefix, known),
            Leg::Time(_) => time_command(),
            Leg::Login(login) => login.command(),
        });
    }

    /// Whether ASKING stands before its command, and so another reply before its own.
    pub(super) fn asks(&self) -> bool {
        match self {
            Leg::Count(call) => call.asks(),
            Leg::Mend(mend) => mend.asks(),
            Leg::Time(_) | Leg::Login(_) => false,
        }
    }

    /// Answers those who wait, from the reply; gives the server's time where that was the question.
    pub(super) fn land(&mut self, reply: &Value, launched: Instant) -> Result<Option<ShardTime>, Failure> {
        let values = match reply {
            Value::ServerError(error) => return Err(Failure::of_reply(error)),
            Value::Array(values) => values.as_slice(),
            _ => &[],
        };
        match self {
            Leg::Count(call) => call.land(values).map(|()| None),
            Leg::Mend(mend) => mend.land(values).map(|()| None),
            Leg::Login(_) => Ok(None),
            Leg::Time(question) => {
                let time = ShardTime::new(parse_time(reply)?, launched, Instant::now());
                if let TimeQuestion::Probe(ticket) = question {
                    ticket.answer(Outcome::Done(time));
                }
                Ok(Some(time))
            }
        }
    }

    /// Tells everybody who still waits that it failed; says how many were told.
    pub(super) fn fail(&mut self, failure: &Failure) -> usize {
        match self {
            Leg::Count(call) => {
                call.passengers_mut().iter_mut().map(|one| usize::from(one.ticket.fail(failure))).sum()
            }
            Leg::Mend(mend) => usize::from(mend.ticket.fail(failure)),
            Leg::Time(TimeQuestion::Probe(ticket)) => usize::from(ticket.fail(failure)),
            Leg::Time(TimeQuestion::Routine) | Leg::Login(_) => 0,
        }
    }

    /// Tells those whose time is over.
    pub(super) fn expire(&mut self, expiry: &mut Expiry) {
        match self {
            Leg::Count(call) => {
                call.passengers_mut().iter_mut().for_each(|one| expiry.check(&mut one.ticket));
            }
            Leg::Mend(mend) => expiry.check(&mut mend.ticket),
            Leg::Time(TimeQuestion::Probe(ticket)) => expiry.check(ticket),
            Leg::Time(TimeQuestion::Routine) | Leg::Login(_) => {}
        }
    }

    /// What was asked for, to be asked again.
    pub(super) fn into_errands(self) -> Vec<Errand> {
        match self {
            Leg::Count(call) => call.into_passengers().into_iter().map(Errand::Count).collect(),
            Leg::Mend(mend) => vec![Errand::Mend(mend)],
            Leg::Time(question) => vec![Errand::Time(question)],
            Leg::Login(login) => vec![Errand::Login(login)],
        }
    }
}
