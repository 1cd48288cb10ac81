//! One script call for the hits of many orders: equal keys stand in it once, and every hit gets the reading that it
//! would have got had it come alone, in the order of arrival.

mod pack;
mod reply;

pub(super) use pack::Packer;
pub(super) use reply::{malformed, number, state};

use redis::{Cmd, Value};

use crate::decision::hit::{Hit, Role};
use crate::decision::key::kind::Kind;
use crate::decision::limit::Limit;
use crate::decision::request::Hits;
use crate::decision::ticks::Tick;
use crate::decision::time::Timestamp;
use crate::decision::token_bucket::TokenBucket;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::{Counts, Mode, Order, Outcome, Route, Ticket, Way};
use crate::storage::redis::script::{KnownScripts, Script};
use crate::storage::trace::TraceContext;

/// An order and where its answer is awaited.
#[derive(Debug)]
pub(super) struct Passenger {
    pub(super) order: Order,
    pub(super) ticket: Ticket<Counts>,
}

/// The orders of one call. None is ever split over two: a call is what Redis does at once or not at all.
#[derive(Debug)]
pub(super) struct CountCall {
    script: Script,
    route: Route,
    now: Timestamp,
    keys: Vec<KeyUse>,
    /// For every hit of every passenger, in the order of arrival: its key in `keys`.
    places: Vec<u32>,
    passengers: Vec<Passenger>,
}

/// One key of a call, and what all its hits come to.
#[derive(Debug, Clone, Copy)]
struct KeyUse {
    /// Where its name stands: the first hit on it.
    passenger: usize,
    hit: usize,
    hits: usize,
    sum: u64,
    only_takes: bool,
    /// Whether all are the same, held against the same limit.
    uniform: bool,
}

impl CountCall {
    /// How many orders it carries.
    pub(super) fn orders(&self) -> usize {
        self.passengers.len()
    }

    /// How many keys it names.
    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has to be announced to a node that does not have the slot yet.
    pub(super) fn asks(&self) -> bool {
        self.route.way == Way::Asking
    }

    /// Whether somebody still waits for one of them.
    pub(super) fn is_awaited(&self) -> bool {
        self.passengers.iter().any(|passenger| passenger.ticket.is_awaited())
    }

    /// The spans of the recorded requests among the orders'.
    pub(super) fn traces(&self) -> impl Iterator<Item = TraceContext> {
        self.passengers.iter().filter_map(|passenger| passenger.order.trace)
    }

    /// The orders' tickets.
    pub(super) fn passengers_mut(&mut self) -> &mut [Passenger] {
        &mut self.passengers
    }

    /// The orders, in the order of arrival.
    pub(super) fn into_passengers(self) -> Vec<Passenger> {
        self.passengers
    }

    /// The command.
    pub(super) fn write(&self, prefix: &[u8], known: &mut KnownScripts) -> Cmd {
        let mut command = self.script.call(known, self.keys.len());
        let mut name = prefix.to_vec();
        for key in &self.keys {
            name.truncate(prefix.len());
            name.extend_from_slice(self.first_hit(key).key.as_bytes());
            command.arg(&name);
        }
        command.arg(self.now.millis());
        match self.script {
            Script::CountUnlessDenied => self.write_requests(&mut command),
            Script::Count => self.write_sums(&mut command),
            _ => self.write_metered(&mut command),
        }
        command
    }

    /// Answers every order from the script's reply.
    pub(super) fn land(&mut self, values: &[Value]) -> Result<(), Failure> {
        let counts = match self.script {
            Script::CountUnlessDenied => self.read_requests(values)?,
            Script::Count => self.read_sums(values)?,
            _ => self.read_metered(values)?,
        };
        for (passenger, counts) in self.passengers.iter_mut().zip(counts) {
            passenger.ticket.answer(Outcome::Done(counts));
        }
        Ok(())
    }

    /// Keys with equal arguments stand next to each other, and their arguments once: what a key has for itself is what costs
    /// the server.
    fn write_sums(&self, command: &mut Cmd) {
        let mut last = 0;
        for run in self.keys.chunk_by(|one, next| one.only_takes && self.terms(one) == self.terms(next)) {
            let first = last;
            last += run.len();
            command.arg(self.first_hit(&run[0]).limit.period.seconds());
            match run[0].only_takes {
                true => command.arg(run[0].sum),
                false => command.arg(self.listed(first, |hit| format!("{},", signed(hit.hits)))),
            };
            if last < self.keys.len() {
                command.arg(last);
            }
        }
    }

    /// What each key's hits are, on a meter.
    fn write_metered(&self, command: &mut Cmd) {
        let mut last = 0;
        for run in self
            .keys
            .chunk_by(|one, next| self.is_uniform(one) && self.metered_terms(one) == self.metered_terms(next))
        {
            let (first, limit) = (last, self.first_hit(&run[0]).limit);
            last += run.len();
            match limit.tick() {
                Tick::Millisecond => command.arg(limit.period.seconds()),
                Tick::Second => command.arg(format!("{}S", limit.period.seconds())),
            };
            command.arg(drained_in_a_tick(limit));
            match self.first_hit(&run[0]).hits {
                Hits::Take(amount) if self.is_uniform(&run[0]) => {
                    command.arg(format!("{}x{amount}/{}", run[0].hits, room(limit)))
                }
                _ => command.arg(self.listed(first, |hit| {
                    let taken_anyway = if hit.limit.overdraft { "!" } else { "" };
                    format!("{}/{}{taken_anyway},", signed(hit.hits), room(hit.limit))
                })),
            };
            if last < self.keys.len() {
                command.arg(last);
            }
        }
    }

    /// Whether all hits on a key take the same of the same, or nothing.
    fn is_uniform(&self, key: &KeyUse) -> bool {
        let hit = self.first_hit(key);
        key.uniform && !hit.limit.overdraft && matches!(hit.hits, Hits::Take(_))
    }

    /// What a key's arguments are made of, on a meter.
    fn metered_terms(&self, key: &KeyUse) -> (bool, u32, u32, u64, usize, u64) {
        let Hit { limit, .. } = self.first_hit(key);
        let (period, rate) = (limit.period.seconds(), drained_in_a_tick(*limit));
        (self.is_uniform(key), period, rate, room(*limit), key.hits, key.sum)
    }

    /// Puts keys with equal arguments next to each other.
    fn sort(&mut self) {
        match self.script {
            Script::Count => self.sort_by(Self::terms),
            _ => self.sort_by(Self::metered_terms),
        }
    }

    fn sort_by<T: Ord>(&mut self, terms: impl Fn(&Self, &KeyUse) -> T) {
        if self.keys.is_sorted_by_key(|key| terms(self, key)) {
            return;
        }
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_by_key(|&key| terms(self, &self.keys[key]));
        let mut places = vec![0; order.len()];
        for (place, &key) in (0..).zip(&order) {
            places[key] = place;
        }
        self.places.iter_mut().for_each(|place| *place = places[*place as usize]);
        self.keys = order.into_iter().map(|key| self.keys[key]).collect();
    }

    /// What a key's arguments are made of.
    fn terms(&self, key: &KeyUse) -> (bool, u32, u64) {
        (key.only_takes, self.first_hit(key).limit.period.seconds(), key.sum)
    }

    fn write_requests(&self, command: &mut Cmd) {
        for key in &self.keys {
            write_kind(command, self.first_hit(key).limit);
        }
        let mut places = self.places.iter();
        for passenger in &self.passengers {
            let quota_left = passenger.order.mode == Mode::CountUnlessDenied { quota_left: true };
            command.arg(u8::from(quota_left)).arg(passenger.order.hits.len());
            for (hit, place) in passenger.order.hits.iter().zip(&mut places) {
                let taken_anyway = hit.limit.overdraft && hit.limit.algorithm.is_meter();
                let Role { shadow, quota, continues } = hit.role;
                let role = u8::from(shadow) + 2 * u8::from(quota) + 4 * u8::from(continues);
                let role = role + 8 * u8::from(taken_anyway);
                command.arg(place + 1).arg(signed(hit.hits)).arg(limit(hit)).arg(role);
            }
        }
    }

    /// All hits on a key in the order of arrival, as the script reads them.
    fn listed(&self, key: usize, write: impl Fn(&Hit) -> String) -> String {
        let hits = self.passengers.iter().flat_map(|passenger| &passenger.order.hits);
        let on_key = hits.zip(&self.places).filter(|(_, place)| **place as usize == key);
        on_key.map(|(hit, _)| write(hit)).collect()
    }

    fn first_hit(&self, key: &KeyUse) -> &Hit {
        &self.passengers[key.passenger].order.hits[key.hit]
    }
}

/// How scripts that count any algorithm are told which, and what they need to know of the limit: the period alone means a fixed window.
pub(super) fn write_kind(command: &mut Cmd, limit: Limit) {
    match limit.algorithm.is_meter() {
        false => command.arg(limit.period.seconds()),
        true => {
            let letter = char::from(Kind::of(limit).letter());
            command.arg(format!("{letter}{}/{}", limit.period.seconds(), drained_in_a_tick(limit)))
        }
    };
}

/// What drains from a bucket in a tick.
fn drained_in_a_tick(limit: Limit) -> u32 {
    limit.requests_per_unit.max(1)
}

fn signed(hits: Hits) -> i64 {
    match hits {
        Hits::Take(amount) => i64::from(amount),
        Hits::Refund(amount) => -i64::from(amount),
    }
}

/// What the script holds a hit against. A refund is never over; of a meter, where it leaves more than fits in, it is told when one more does.
fn limit(hit: &Hit) -> u64 {
    match hit.hits {
        Hits::Refund(amount) if amount == 0 || !hit.limit.algorithm.is_meter() => u64::MAX,
        _ => room(hit.limit),
    }
}

/// The most that a counter may hold with a hit that passes: of buckets the level, of all others hits.
fn room(limit: Limit) -> u64 {
    match limit.algorithm.is_bucket() {
        true => TokenBucket::brim(limit),
        false => limit.capacity(),
    }
}
