//! Calls that mend counters after an outage or a denied request. They are few, and each goes as a script call of its own.

use redis::{Cmd, Value};

use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::time::Timestamp;
use crate::storage::redis::call::{malformed, number, state, write_kind};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::{GiveBack, Outcome, Settlement, States, Ticket, Way};
use crate::storage::redis::script::{KnownScripts, Script};
use crate::storage::redis::told::{Argument, for_merging};

/// What is to be mended.
#[derive(Debug)]
pub(super) struct Mend {
    script: Script,
    way: Way,
    now: Timestamp,
    counters: Vec<(CounterKey, Limit)>,
    /// So many for each, beside its kind.
    arguments: Vec<Argument>,
    pub(super) ticket: Ticket<States>,
}

impl Mend {
    /// Adds what was admitted while the server was away.
    pub(super) fn settle(settlements: &[Settlement], now: Timestamp, ticket: Ticket<States>) -> Self {
        let arguments = settlements.iter().flat_map(|Settlement { read, admitted, came, id, .. }| {
            let [a, b, c] = for_merging(read, came);
            let [admitted, replica, outage] = [*admitted, id.replica, id.outage].map(Argument::Number);
            [a, b, c, admitted, replica, outage]
        });
        let counters = settlements.iter().map(|settlement| (settlement.key.clone(), settlement.limit));
        let (counters, arguments) = (counters.collect(), arguments.collect());
        Self { script: Script::Settle, way: Way::Straight, now, counters, arguments, ticket }
    }

    /// Takes back what was counted for denied requests.
    pub(super) fn give_back(amounts: &[GiveBack], way: Way, now: Timestamp, ticket: Ticket<States>) -> Self {
        let numbers = amounts.iter().flat_map(|given| [given.window_start, u64::from(given.amount)]);
        let arguments = numbers.map(Argument::Number).collect();
        let counters = amounts.iter().map(|given| (given.key.clone(), given.limit)).collect();
        Self { script: Script::GiveBack, way, now, counters, arguments, ticket }
    }

    /// Whether it has to be announced to a node that does not have the slot yet.
    pub(super) fn asks(&self) -> bool {
        self.way == Way::Asking
    }

    /// How many keys it names.
    pub(super) fn keys(&self) -> usize {
        self.counters.len()
    }

    /// The command.
    pub(super) fn write(&self, prefix: &[u8], known: &mut KnownScripts) -> Cmd {
        let mut command = self.script.call(known, self.counters.len());
        for (key, _) in &self.counters {
            command.arg([prefix, key.as_bytes()].concat());
        }
        command.arg(self.now.millis());
        let each = self.arguments.len() / self.counters.len().max(1);
        for ((_, limit), arguments) in self.counters.iter().zip(self.arguments.chunks(each.max(1))) {
            write_kind(&mut command, *limit);
            command.arg(arguments);
        }
        command
    }

    /// Answers from the script's reply.
    pub(super) fn land(&mut self, values: &[Value]) -> Result<(), Failure> {
        if values.len() != 2 * self.counters.len() {
            return Err(malformed());
        }
        let read = |((_, limit), pair): (&(CounterKey, Limit), &[Value])| {
            state(*limit, &pair[0], number(&pair[1])?, self.now)
        };
        let states = self.counters.iter().zip(values.chunks_exact(2)).map(read);
        let states = states.collect::<Result<States, Failure>>()?;
        self.ticket.answer(Outcome::Done(states));
        Ok(())
    }
}
