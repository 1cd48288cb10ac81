//! Shared counters as operators see them: all shards one after the other, by connections that no decision waits for.
//!
//! A shard that does not answer is named and gone past. Keys whose slot is on its way to another node of a Cluster are asked for
//! where the redirect leads.

use std::sync::Arc;
use std::time::Duration;

use crate::decision::key::CounterKey;
use crate::decision::key::name::CounterName;
use crate::decision::key::pattern::KeyPattern;
use crate::decision::period::Period;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::inspect::{Held, Position, Step, StoredCounter, Stranger, Unread};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::Way;
use crate::storage::redis::scan::{END, Found, FullKey, OfKeys, Scanned, glob};
use crate::storage::redis::side::Side;
use crate::storage::shared::group::ShardGroup;
use crate::storage::shared::shard::Shard;
use crate::storage::shared::shards::{Hint, Shards};

/// How long one command may take, with the connection that it needs.
const LIMIT: Duration = Duration::from_secs(1);

/// Keys that one SCAN looks at: about a tenth of a millisecond of the server's time.
const LOOK_AT: usize = 100;

/// Redirects that are followed for one key.
const MOST_REDIRECTS: usize = 4;

/// A walk through all shards, in an order that stays while shards come and go.
#[derive(Debug)]
pub(in crate::storage) struct SharedWalk {
    shards: Arc<Shards>,
    pattern: KeyPattern,
    position: Option<Position>,
    /// A connection to the shard that was looked at last.
    visit: Option<Visit>,
}

/// A shard that is being walked through.
#[derive(Debug, Clone)]
struct Visit {
    place: String,
    shard: Arc<Shard>,
    side: Side,
}

impl SharedWalk {
    pub(in crate::storage) fn new(shards: &Arc<Shards>, pattern: KeyPattern, from: Option<Position>) -> Self {
        let position = from.or_else(|| shards.places_from("").next().map(|(place, _)| beginning(place)));
        Self { shards: Arc::clone(shards), pattern, position, visit: None }
    }

    pub(in crate::storage) fn position(&self) -> Option<Position> {
        self.position.clone()
    }

    pub(in crate::storage) async fn step(&mut self, most: usize, own: Timestamp) -> Step {
        let Some(Position { place, cursor }) = self.position.take() else { return Step::default() };
        let Some((found, shard)) = self.shards.places_from(&place).next() else { return Step::default() };
        let cursor = if found == place { cursor } else { END };
        let visit = self.visit(found.clone(), &shard);
        let met = self.look(&visit, cursor, most, own).await;
        let (step, next) = met.unwrap_or_else(|failure| {
            let unread = Some(unread(&shard.name(), &failure));
            (Step { unread, ..Step::default() }, END)
        });
        self.position = match next {
            END => self
                .shards
                .places_from(&found)
                .find(|(place, _)| *place != found)
                .map(|(place, _)| beginning(place)),
            cursor => Some(Position { place: found, cursor }),
        };
        step
    }

    pub(in crate::storage) async fn reset(&mut self, counters: &[CounterKey]) -> Result<usize, Unread> {
        let Some(visit) = self.visit.clone() else { return Ok(0) };
        let group = visit.shard.group();
        let keys: Vec<FullKey> = counters.iter().map(|key| (full_key(group, key), key.clone())).collect();
        let replies = visit.side.delete(&keys, Way::Straight).await;
        let replies = replies.map_err(|failure| unread(&visit.shard.name(), &failure))?;
        let mut gone = 0;
        for (key, reply) in counters.iter().zip(replies) {
            gone += usize::from(match reply {
                Ok(was_there) => {
                    self.shards.ledger.forget(key);
                    was_there
                }
                Err(_) => self.shards.reset_counter(key).await?,
            });
        }
        Ok(gone)
    }

    /// The connection to a shard, which is kept as long as the walk is there.
    fn visit(&mut self, place: String, shard: &Arc<Shard>) -> Visit {
        if let Some(visit) = self.visit.as_ref().filter(|visit| visit.place == place) {
            return visit.clone();
        }
        let side = shard.group().side(shard.address(), LIMIT);
        self.visit.insert(Visit { place, shard: Arc::clone(shard), side }).clone()
    }

    async fn look(
        &self,
        visit: &Visit,
        cursor: u64,
        most: usize,
        own: Timestamp,
    ) -> Result<(Step, u64), Failure> {
        let prefix = &visit.shard.group().link_settings().key_prefix;
        let matching = glob(prefix, &self.pattern.pieces());
        let Scanned { next, keys } = visit.side.scan(cursor, &matching, most.clamp(10, LOOK_AT)).await?;
        let mut step = Step::default();
        let mut wanted = Vec::new();
        let shard: Arc<str> = visit.shard.name().into();
        for key in keys {
            match self.counter(&key, visit.shard.group()) {
                Some((counter, true)) => wanted.push((key, counter)),
                Some((_, false)) => {}
                None => step.strangers.push(Stranger { key, shard: Arc::clone(&shard) }),
            }
        }
        let now = visit.shard.now(own);
        let values = visit.side.read(&wanted, now, Way::Straight).await?;
        for ((_, key), value) in wanted.into_iter().zip(values) {
            step.counters.push(match value {
                Ok(found) => {
                    let held = held(found, &key, now);
                    StoredCounter { key, shard: Some(Arc::clone(&shard)), held, now }
                }
                // Another shard that is away costs one wait and not one for each key.
                Err(Failure::Moved(_) | Failure::Ask(_)) if step.unread.is_some() => continue,
                Err(Failure::Moved(_) | Failure::Ask(_)) if visit.shard.group().redirects() => {
                    match self.shards.read_counter(&key, own).await {
                        Ok(counter) => counter,
                        Err(unread) => {
                            step.unread = Some(unread);
                            continue;
                        }
                    }
                }
                Err(failure) => return Err(failure),
            });
        }
        Ok((step, next))
    }

    /// The counter whose key this is, and whether it is meant: not where another group counts it now.
    fn counter(&self, key: &[u8], group: &Arc<ShardGroup>) -> Option<(CounterKey, bool)> {
        let own = key.strip_prefix(group.link_settings().key_prefix.as_bytes())?;
        let name = CounterName::read(own)?;
        let counts_here = Arc::ptr_eq(self.shards.group_of(name.kind.period), group);
        Some((CounterKey::from_stored(own)?, counts_here && self.pattern.matches(own, &name)))
    }
}

impl Shards {
    /// Reads one counter where it lives now.
    pub(in crate::storage) async fn read_counter(
        &self,
        key: &CounterKey,
        own: Timestamp,
    ) -> Result<StoredCounter, Unread> {
        let read =
            async |side: &Side, keys: &[FullKey], now: Timestamp, way: Way| side.read(keys, now, way).await;
        let (found, shard) = self.ask_owner(key, own, read).await?;
        let (name, now) = (shard.name(), shard.now(own));
        Ok(StoredCounter { key: key.clone(), shard: Some(name.into()), held: held(found, key, now), now })
    }

    /// Resets one counter where it lives now, and forgets what this replica knows of it.
    pub(in crate::storage) async fn reset_counter(&self, key: &CounterKey) -> Result<bool, Unread> {
        let delete =
            async |side: &Side, keys: &[FullKey], _: Timestamp, way: Way| side.delete(keys, way).await;
        let (was_there, _) = self.ask_owner(key, Timestamp::from_millis(0), delete).await?;
        // Afterwards, or an answer that is on its way would be remembered again.
        self.ledger.forget(key);
        Ok(was_there)
    }

    /// How long a replica may deny from memory.
    pub(in crate::storage) fn over_is_believed_for(&self) -> Duration {
        self.ledger.over_is_believed_for()
    }

    /// Asks the shard that has the key's slot, and those to whom it sends us.
    async fn ask_owner<T>(
        &self,
        key: &CounterKey,
        own: Timestamp,
        ask: impl AsyncFn(&Side, &[FullKey], Timestamp, Way) -> Result<OfKeys<T>, Failure>,
    ) -> Result<(T, Arc<Shard>), Unread> {
        let group = self.group_of_key(key);
        let topology = self.topology();
        let mut shard = Arc::clone(topology.shard_of(group.slot_of(key.as_bytes())));
        let (mut way, full) = (Way::Straight, [(full_key(group, key), key.clone())]);
        for _ in 0..=MOST_REDIRECTS {
            let asked = async {
                let side = group.side(shard.address(), LIMIT);
                let mut replies = ask(&side, &full, shard.now(own), way).await?;
                replies.pop().unwrap_or(Err(Failure::Closed))
            };
            let failure = match asked.await {
                Ok(told) => return Ok((told, shard)),
                Err(failure) => failure,
            };
            let next = self.redirected(&failure, &shard);
            (shard, way) = next.ok_or_else(|| unread(&shard.name(), &failure))?;
        }
        Err(Unread { shard: shard.name().into(), why: "too many redirects".into() })
    }

    /// Where a shard sends us, and how to ask there; nothing where it does not.
    fn redirected(&self, failure: &Failure, from: &Arc<Shard>) -> Option<(Arc<Shard>, Way)> {
        let group = from.group();
        let (hint, redirect, way) = match failure {
            Failure::Moved(redirect) if group.redirects() => (Hint::Moved, redirect, Way::Straight),
            Failure::Ask(redirect) if group.redirects() => (Hint::Moving, redirect, Way::Asking),
            _ => return None,
        };
        let address = self.note(hint, redirect, from)?;
        let topology = self.topology();
        let number = topology.find(group, &address)?;
        Some((Arc::clone(topology.shard(number)), way))
    }

    fn group_of_key(&self, key: &CounterKey) -> &Arc<ShardGroup> {
        let name = CounterName::read(key.as_bytes());
        // What is asked for has been read before; any other key would be the main group's.
        self.group_of(name.map_or(Period::YEAR, |name| name.kind.period))
    }

    /// The shards that have counters, each under a name that keeps its order, from this name on.
    fn places_from(&self, from: &str) -> impl Iterator<Item = (String, Arc<Shard>)> {
        let topology = self.topology();
        let mut places: Vec<(String, Arc<Shard>)> = Vec::new();
        for (group, number) in self.groups().zip(0..) {
            let own = topology.owners().into_iter().filter(|shard| Arc::ptr_eq(shard.group(), group));
            places.extend(own.enumerate().map(|(index, shard)| {
                let address = shard.address();
                // A Cluster's nodes come and go. Others have their places, where another server may take over.
                let place = match group.redirects() {
                    true => format!("{number}:{address}"),
                    false => format!("{number}:{index:05}={address}"),
                };
                (place, Arc::clone(shard))
            }));
        }
        places.sort_by(|(one, _), (other, _)| one.cmp(other));
        let before = places.partition_point(|(place, _)| order(place) < order(from));
        places.into_iter().skip(before)
    }
}

/// What decides where a shard comes in the order of a walk.
fn order(place: &str) -> &str {
    place.split('=').next().unwrap_or(place)
}

fn full_key(group: &ShardGroup, key: &CounterKey) -> Vec<u8> {
    [group.link_settings().key_prefix.as_bytes(), key.as_bytes()].concat()
}

fn beginning(place: String) -> Position {
    Position { place, cursor: END }
}

fn unread(shard: &str, failure: &Failure) -> Unread {
    Unread { shard: shard.into(), why: failure.to_string() }
}

/// What was found under this key, by the server's clock.
fn held(found: Found, key: &CounterKey, now: Timestamp) -> Held {
    match (found, key.period()) {
        (Found::Nothing, _) => Held::Nothing,
        (Found::Counter(packed), Some(period)) => Held::State(State::FixedWindow(packed.window(period, now))),
        (Found::Meter(state), _) => Held::State(state),
        (Found::Counter(_), None) => Held::Foreign("its key has no unit".into()),
        (Found::Foreign(why), _) => Held::Foreign(why.into()),
    }
}
