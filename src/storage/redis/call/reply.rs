//! Reads what a script answered and gives each order its share.

use std::slice::Iter;

use redis::Value;
use smallvec::SmallVec;

use super::{CountCall, KeyUse, limit};
use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::redis::failure::{Failure, ForeignValue};
use crate::storage::redis::order::{Counted, Counts};
use crate::storage::redis::packed;
use crate::storage::redis::told::told;

/// What is known of one key while its hits are gone through.
struct KeyReading<'v> {
    window: Result<u64, ForeignValue>,
    /// The count before the next hit, where hits only take.
    running: u64,
    /// The counts after the next hits, where some give back.
    counts: Iter<'v, Value>,
}

impl CountCall {
    /// Shares out the reply of `count.lua`.
    pub(super) fn read_sums(&self, values: &[Value]) -> Result<Vec<Counts>, Failure> {
        let mut keys = self.key_readings(values)?;
        let mut places = self.places.iter();
        let mut counted = |hit: &Hit| {
            let key = places.next().map_or(0, |place| *place as usize);
            let count = keys[key].advance(&self.keys[key], hit.hits)?;
            Ok(counted(&keys[key].window, hit, count))
        };
        let orders = self.passengers.iter().map(|passenger| &passenger.order.hits);
        orders.map(|hits| hits.iter().map(&mut counted).collect()).collect()
    }

    /// Shares out the reply of `count_meter.lua`: what was in each meter before says all.
    pub(super) fn read_metered(&self, values: &[Value]) -> Result<Vec<Counts>, Failure> {
        let each = values.len() / self.keys.len().max(1);
        if each == 0 || values.len() != each * self.keys.len() {
            return Err(malformed());
        }
        let state = |(key, told): (&KeyUse, &[Value])| metered(self.first_hit(key).limit, told, self.now);
        let states = self.keys.iter().zip(values.chunks_exact(each)).map(state);
        let mut states = states.collect::<Result<KeyStates, Failure>>()?;
        let mut places = self.places.iter();
        let mut counted = |hit: &Hit| {
            let state = places.next().and_then(|place| states.get_mut(*place as usize));
            let state = state.ok_or_else(malformed)?;
            Ok(state.as_mut().map_err(|foreign| foreign.clone()).map(|state| {
                let reading = state.count(hit.limit, hit.hits, self.now);
                Counted { reading, state: state.clone() }
            }))
        };
        let orders = self.passengers.iter().map(|passenger| &passenger.order.hits);
        orders.map(|hits| hits.iter().map(&mut counted).collect()).collect()
    }

    /// Shares out the reply of `count_unless_denied.lua`.
    pub(super) fn read_requests(&self, values: &[Value]) -> Result<Vec<Counts>, Failure> {
        let mut states = self.states(values)?;
        let mut numbers = values.iter().skip(self.keys.len()).map(number);
        let mut next = || numbers.next().unwrap_or(Err(malformed()));
        let mut places = self.places.iter();
        let mut orders = Vec::with_capacity(self.passengers.len());
        for passenger in &self.passengers {
            let denied = next()? == 1;
            // A request with meters is gone through again, which says more than scripts tell.
            let hits = &passenger.order.hits;
            let has_meter = hits.iter().any(|hit| hit.limit.algorithm.is_meter());
            let before = if has_meter { states.clone() } else { SmallVec::new() };
            let mut after = before.clone();
            let mut counts = Counts::new();
            for (hit, place) in passenger.order.hits.iter().zip(&mut places) {
                let numbers = (next()?, next()?);
                let place = *place as usize;
                let state = states.get_mut(place).ok_or_else(malformed)?;
                counts.push(match (state, after.get_mut(place), before.get(place)) {
                    (Err(foreign), ..) => Err(foreign.clone()),
                    (Ok(state), Some(Ok(after)), Some(Ok(before))) if hit.limit.algorithm.is_meter() => {
                        let again = after.count(hit.limit, hit.hits, self.now);
                        Ok(match denied {
                            false => Counted { reading: again, state: after.clone() },
                            true => counted_though_denied(state, before, again, hit, self.now),
                        })
                    }
                    (Ok(state), ..) => Ok(counted_in_window(state, hit, denied, numbers)),
                });
            }
            if has_meter && !denied {
                states = after;
            }
            orders.push(counts);
        }
        Ok(orders)
    }

    /// What is told of each key: the window, or the meter as it was.
    fn states(&self, values: &[Value]) -> Result<KeyStates, Failure> {
        let state = |(key, value)| state(self.first_hit(key).limit, value, 0, self.now);
        self.keys.iter().zip(values).map(state).collect()
    }

    fn key_readings<'v>(&self, values: &'v [Value]) -> Result<SmallVec<[KeyReading<'v>; 4]>, Failure> {
        if values.len() != self.keys.len() {
            return Err(malformed());
        }
        self.keys.iter().zip(values).map(|(key, value)| self.key_reading(key, value)).collect()
    }

    fn key_reading<'v>(&self, key: &KeyUse, value: &'v Value) -> Result<KeyReading<'v>, Failure> {
        let (window, counts) = match value {
            Value::Array(values) => {
                let (first, counts) = values.split_first().ok_or_else(malformed)?;
                (window(first)?, counts)
            }
            count => {
                let period = self.first_hit(key).limit.period;
                (Ok(Window::at(period, self.now).start), std::slice::from_ref(count))
            }
        };
        let last = number(counts.first().ok_or_else(malformed)?)?;
        // What the count was before cannot be told where it stopped at the most: it was over any limit then.
        let running = if last < packed::MOST { last.saturating_sub(key.sum) } else { last };
        Ok(KeyReading { window, running, counts: counts.iter() })
    }
}

impl KeyReading<'_> {
    /// The count with the next hit on the key in it.
    fn advance(&mut self, key: &KeyUse, hits: Hits) -> Result<u64, Failure> {
        match hits {
            Hits::Take(amount) if key.only_takes => {
                self.running += u64::from(amount);
                Ok(self.running)
            }
            _ => number(self.counts.next().ok_or_else(malformed)?),
        }
    }
}

/// The state of each key, or why it could not be counted.
type KeyStates = SmallVec<[Result<State, ForeignValue>; 4]>;

/// What a script tells of a key of this limit: a window's start, to which the count belongs, or what is in a meter; or why there is nothing.
pub(in crate::storage::redis) fn state(
    limit: Limit,
    value: &Value,
    count: u64,
    now: Timestamp,
) -> Result<Result<State, ForeignValue>, Failure> {
    match value {
        Value::Array(numbers) => told(limit, numbers, now).map(Ok),
        other => Ok(window(other)?.map(|start| State::FixedWindow(Window { start, count }))),
    }
}

/// What there is in a meter, or why there is nothing.
fn metered(limit: Limit, numbers: &[Value], now: Timestamp) -> Result<Result<State, ForeignValue>, Failure> {
    match numbers {
        [Value::BulkString(reason), ..] => Ok(Err(foreign(reason))),
        numbers => told(limit, numbers, now).map(Ok),
    }
}

fn foreign(reason: &[u8]) -> ForeignValue {
    ForeignValue { reason: String::from_utf8_lossy(reason).into_owned().into() }
}

/// A window's start, or why there is none.
fn window(value: &Value) -> Result<Result<u64, ForeignValue>, Failure> {
    match value {
        Value::BulkString(reason) => Ok(Err(foreign(reason))),
        other => number(other).map(Ok),
    }
}

pub(in crate::storage::redis) fn number(value: &Value) -> Result<u64, Failure> {
    match value {
        Value::Int(number) => u64::try_from(*number).map_err(|_| malformed()),
        _ => Err(malformed()),
    }
}

pub(in crate::storage::redis) fn malformed() -> Failure {
    Failure::Other("a script's answer is not what the script gives".into())
}

fn counted(window: &Result<u64, ForeignValue>, hit: &Hit, count: u64) -> Result<Counted, ForeignValue> {
    window.clone().map(|start| in_window(start, count, count > limit(hit)))
}

/// A hit in a window, by the counts before its request and with it.
fn counted_in_window(window: &State, hit: &Hit, denied: bool, (before, after): (u64, u64)) -> Counted {
    let start = window.window().map_or(0, |window| window.start);
    in_window(start, if denied { before } else { after }, after > limit(hit))
}

fn in_window(start: u64, count: u64, over: bool) -> Counted {
    let state = State::FixedWindow(Window { start, count });
    Counted { reading: Reading::of_window(count, over), state }
}

/// A hit on a meter whose request was denied: it has left no trace, unless it is taken anyway.
fn counted_though_denied(
    state: &mut State,
    before: &State,
    again: Reading,
    hit: &Hit,
    now: Timestamp,
) -> Counted {
    if hit.takes_anyway() {
        let reading = state.count(hit.limit, hit.hits, now);
        return Counted { reading, state: state.clone() };
    }
    Counted { reading: again.untaken(before.look(hit.limit, now)), state: state.clone() }
}
