//! Calls that mend counters after an outage or a denied request. They are few, and each goes as a script call of its own.

use redis::{Cmd, Value};

use crate::decision::fixed_window::Window;
use crate::decision::key::CounterKey;
use crate::decision::time::Timestamp;
use crate::storage::redis::call::{malformed, number, window};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::{GiveBack, Outcome, Settlement, Ticket, Way, Windows};
use crate::storage::redis::script::{KnownScripts, Script};

/// What is to be mended.
#[derive(Debug)]
pub(super) struct Mend {
    script: Script,
    way: Way,
    now: Timestamp,
    keys: Vec<CounterKey>,
    numbers: Vec<u64>,
    pub(super) ticket: Ticket<Windows>,
}

impl Mend {
    /// Adds what was admitted while the server was away.
    pub(super) fn settle(settlements: &[Settlement], now: Timestamp, ticket: Ticket<Windows>) -> Self {
        let numbers = settlements.iter().flat_map(|settlement| {
            let Settlement { period, window_start, last_read, admitted, id, .. } = *settlement;
            [u64::from(period.seconds()), window_start, last_read, admitted, id.replica, id.outage]
        });
        let keys = settlements.iter().map(|settlement| settlement.key.clone()).collect();
        Self { script: Script::Settle, way: Way::Straight, now, keys, numbers: numbers.collect(), ticket }
    }

    /// Takes back what was counted for denied requests.
    pub(super) fn give_back(amounts: &[GiveBack], way: Way, now: Timestamp, ticket: Ticket<Windows>) -> Self {
        let numbers = amounts.iter().flat_map(|GiveBack { period, window_start, amount, .. }| {
            [u64::from(period.seconds()), *window_start, u64::from(*amount)]
        });
        let keys = amounts.iter().map(|amount| amount.key.clone()).collect();
        Self { script: Script::GiveBack, way, now, keys, numbers: numbers.collect(), ticket }
    }

    /// Whether it has to be announced to a node that does not have the slot yet.
    pub(super) fn asks(&self) -> bool {
        self.way == Way::Asking
    }

    /// How many keys it names.
    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The command.
    pub(super) fn write(&self, prefix: &[u8], known: &mut KnownScripts) -> Cmd {
        let mut command = self.script.call(known, self.keys.len());
        for key in &self.keys {
            command.arg([prefix, key.as_bytes()].concat());
        }
        command.arg(self.now.millis()).arg(&self.numbers);
        command
    }

    /// Answers from the script's reply.
    pub(super) fn land(&mut self, values: &[Value]) -> Result<(), Failure> {
        if values.len() != 2 * self.keys.len() {
            return Err(malformed());
        }
        let read = |pair: &[Value]| {
            let count = number(&pair[1])?;
            Ok(window(&pair[0])?.map(|start| Window { start, count }))
        };
        let windows = values.chunks_exact(2).map(read).collect::<Result<Windows, Failure>>()?;
        self.ticket.answer(Outcome::Done(windows));
        Ok(())
    }
}
