//! Reads what a script answered and gives each order its share.

use std::slice::Iter;

use redis::Value;
use smallvec::SmallVec;

use super::{CountCall, KeyUse, limit};
use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::storage::redis::failure::{Failure, ForeignValue};
use crate::storage::redis::order::{Counted, Counts};
use crate::storage::redis::packed;

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

    /// Shares out the reply of `count_unless_denied.lua`.
    pub(super) fn read_requests(&self, values: &[Value]) -> Result<Vec<Counts>, Failure> {
        let windows: Vec<_> = values.iter().take(self.keys.len()).map(window).collect::<Result<_, _>>()?;
        let mut numbers = values.iter().skip(self.keys.len()).map(number);
        let mut next = || numbers.next().unwrap_or(Err(malformed()));
        let mut places = self.places.iter();
        let mut orders = Vec::with_capacity(self.passengers.len());
        for passenger in &self.passengers {
            let denied = next()? == 1;
            let mut counts = Counts::new();
            for (hit, place) in passenger.order.hits.iter().zip(&mut places) {
                let (before, after) = (next()?, next()?);
                let count = if denied { before } else { after };
                let window = windows.get(*place as usize).ok_or_else(malformed)?;
                let over = after > limit(hit);
                counts.push(
                    window.clone().map(|window_start| Counted {
                        reading: Reading::of_window(count, over),
                        window_start,
                    }),
                );
            }
            orders.push(counts);
        }
        Ok(orders)
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

/// A window's start, or why there is none.
pub(in crate::storage::redis) fn window(value: &Value) -> Result<Result<u64, ForeignValue>, Failure> {
    match value {
        Value::BulkString(reason) => {
            Ok(Err(ForeignValue { reason: String::from_utf8_lossy(reason).into_owned().into() }))
        }
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
    let over = count > limit(hit);
    window.clone().map(|window_start| Counted { reading: Reading::of_window(count, over), window_start })
}
