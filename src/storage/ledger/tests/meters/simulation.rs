//! Three replicas, one store, and outages at random: never too much while it is away, never too little when it is back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::decision::sliding_log::{LogEntry, SlidingLog};

const REPLICAS: usize = 3;

/// The store's meter, one that holds exactly what passed, and replicas of which each knows of all.
struct World {
    limit: Limit,
    now: Timestamp,
    store: State,
    settled: BTreeMap<usize, u64>,
    truth: State,
    replicas: Vec<Ledger>,
    away: [bool; REPLICAS],
}

impl World {
    fn new(limit: Limit) -> Self {
        let replicas = (0..REPLICAS).map(|_| ledger()).collect();
        let (store, truth) = (State::begin(limit, NOW), State::begin(limit, NOW));
        Self { limit, now: NOW, store, settled: BTreeMap::new(), truth, replicas, away: [false; REPLICAS] }
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
        self.store.advance(self.limit, self.now);
        self.truth.advance(self.limit, self.now);
    }

    fn ask(&mut self, replica: usize, amount: u32) {
        let (hit, ledger) = (take_on(self.limit, amount), &self.replicas[replica]);
        let over = if let Some(reading) = ledger.known_over(&hit, self.now) {
            assert!(
                self.store.used(self.limit, self.now) + u64::from(amount) > self.limit.capacity()
                    || self.away[replica]
            );
            reading.over
        } else if self.away[replica] {
            let hits = std::slice::from_ref(&hit);
            let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
            ledger.decide(batch, &[SLOT], share(3), self.now)[0].over
        } else {
            let reading = self.store.count(self.limit, hit.hits, self.now);
            ledger.note_reading(&hit, &as_told(&self.store), self.now);
            reading.over
        };
        if !over {
            self.truth.take(self.limit, u64::from(amount), self.now);
        }
    }

    /// The shard goes for everybody; all have read what there was.
    fn lose(&mut self) {
        if !self.is_away() {
            (0..REPLICAS).for_each(|replica| self.ask(replica, 0));
        }
        self.away = [true; REPLICAS];
    }

    fn is_away(&self) -> bool {
        self.away != [false; REPLICAS]
    }

    /// It is there for a moment: settlements of one replica are taken, and nobody is told so; or they get lost.
    fn flap(&mut self, replica: usize, arrives: bool) {
        for settlement in round(&self.replicas[replica], self.now) {
            if arrives {
                self.settle(replica, &settlement);
            }
        }
    }

    /// As the script does it: at least what was read, and the rest once.
    fn settle(&mut self, replica: usize, settlement: &Settlement) {
        let mut read = settlement.read.clone();
        read.advance(self.limit, self.now);
        self.merge(read);
        let last = self.settled.entry(replica).or_default();
        if *last < settlement.id.0 {
            *last = settlement.id.0;
            match &mut self.store {
                State::SlidingLog(log) => **log = log.with(settlement.came.iter().copied()),
                store => store.take(self.limit, settlement.admitted, self.now),
            }
            self.store.advance(self.limit, self.now);
        }
    }

    fn merge(&mut self, read: State) {
        match (&mut self.store, read) {
            (State::Bucket(store), State::Bucket(read)) => store.level = store.level.max(read.level),
            (State::SlidingWindow(store), State::SlidingWindow(read)) => {
                store.previous = store.previous.max(read.previous);
                store.current = store.current.max(read.current);
            }
            (State::SlidingLog(store), State::SlidingLog(read)) => **store = merged(store, &read),
            _ => {}
        }
    }

    /// It is back, and has forgotten everything or nothing. All is told before anybody asks, as often as there is something.
    fn come_back(&mut self, empty: bool) {
        if empty {
            (self.store, self.settled) = (State::begin(self.limit, self.now), BTreeMap::new());
            for replica in 0..REPLICAS {
                let read = self.replicas[replica].read_counts(
                    &mut RestorationRound::new(),
                    |_, _| true,
                    self.now,
                    9,
                );
                for count in read {
                    let (id, slot, key) =
                        (settlement::SettlementId(0), SLOT, Box::from(count.key.as_bytes()));
                    let told = Settlement {
                        id,
                        slot,
                        key,
                        limit: count.limit,
                        read: count.read,
                        admitted: 0,
                        came: Box::default(),
                    };
                    self.settle(replica, &told);
                }
            }
        }
        (0..REPLICAS).for_each(|replica| self.find(replica));
    }

    /// One replica finds the shard, and tells it everything first.
    fn find(&mut self, replica: usize) {
        for _ in 0..2 {
            for settlement in round(&self.replicas[replica], self.now) {
                self.settle(replica, &settlement);
                self.replicas[replica].settled(&settlement, &as_told(&self.store), self.now);
            }
        }
        assert_eq!(round(&self.replicas[replica], self.now), []);
        assert_eq!(self.replicas[replica].figures().unsettled, 0);
        self.away[replica] = false;
    }

    fn check_bound(&self) {
        let (passed, most) =
            (self.truth.used(self.limit, self.now), self.limit.capacity() + REPLICAS as u64 - 1);
        assert!(passed <= most, "{passed} passed where {most} may");
    }

    fn check_settled(&self) {
        let [passed, known] = [&self.truth, &self.store].map(|state| state.used(self.limit, self.now));
        assert!(known >= passed, "{passed} passed, and the store knows of {known}");
    }
}

/// What is told of a log: the oldest entry, the newest and some between them, with what came before each.
fn as_told(state: &State) -> State {
    let State::SlidingLog(log) = state else { return state.clone() };
    let live: Vec<LogEntry> = log.live().copied().collect();
    let (mut told, mut hits) = (Vec::new(), 0);
    for (index, entry) in live.iter().enumerate() {
        hits += entry.hits;
        if index % 3 == 0 || index + 1 == live.len() {
            told.push(LogEntry { hits: std::mem::take(&mut hits), ..*entry });
        }
    }
    State::SlidingLog(Box::new(SlidingLog::of(told)))
}

/// A log with what somebody read: after each time as many count as did there.
fn merged(log: &SlidingLog, read: &SlidingLog) -> SlidingLog {
    let after =
        |log: &SlidingLog, at| log.live().filter(|entry| entry.at > at).map(|entry| entry.hits).sum::<u64>();
    let read_entries: Vec<LogEntry> = read.live().copied().collect();
    let (mut missing, mut added) = (Vec::new(), 0);
    for (index, entry) in read_entries.iter().enumerate().rev() {
        let before = if index == 0 { 0 } else { read_entries[index - 1].at };
        let hits = after(read, before).saturating_sub(after(log, before) + added);
        added += hits;
        missing.push(LogEntry { hits, ..*entry });
    }
    log.with(missing.into_iter().rev())
}

#[derive(Debug, Clone)]
enum Step {
    Ask { replica: usize, amount: u32 },
    Wait { millis: u64 },
    Lose { replica: usize },
    Flap { replica: usize, arrives: bool },
    ComeBack { replica: usize, empty: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..REPLICAS, 0..4_u32).prop_map(|(replica, amount)| Step::Ask { replica, amount }),
        3 => (0..9_000_u64).prop_map(|millis| Step::Wait { millis }),
        1 => (0..REPLICAS).prop_map(|replica| Step::Lose { replica }),
        1 => (0..REPLICAS, any::<bool>()).prop_map(|(replica, arrives)| Step::Flap { replica, arrives }),
        1 => (0..REPLICAS, any::<bool>()).prop_map(|(replica, empty)| Step::ComeBack { replica, empty }),
    ]
}

fn limit(algorithms: Vec<Algorithm>) -> impl Strategy<Value = Limit> {
    let periods = vec![Period::SECOND, Period::MINUTE, Period::YEAR];
    (select(algorithms), 1..25_u32, select(periods))
        .prop_map(|(algorithm, number, period)| Limit::new(number, period).held_by(algorithm))
}

fn meters() -> Vec<Algorithm> {
    Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_meter()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Everybody loses the shard at the same time and knows what had passed.
    #[test]
    fn outages_of_the_store(limit in limit(meters()), steps in proptest::collection::vec(step(), 1..200)) {
        let mut world = World::new(limit);
        for step in steps {
            match step {
                Step::Ask { replica, amount } => world.ask(replica, amount),
                Step::Wait { millis } => world.wait(millis),
                Step::Lose { .. } => world.lose(),
                // What drains from a bucket between one's settlement and another's is lost to the second.
                Step::Flap { replica, arrives } if world.is_away() => {
                    world.flap(replica, arrives && !limit.algorithm.is_bucket());
                }
                Step::ComeBack { empty, .. } if world.is_away() => world.come_back(empty),
                Step::Flap { .. } | Step::ComeBack { .. } => {}
            }
            world.check_bound();
            if !world.is_away() {
                world.check_settled();
            }
        }
    }

    /// Each replica loses and finds the shard by itself, and may know of less than had passed.
    #[test]
    fn outages_of_single_replicas(
        limit in limit(vec![Algorithm::SlidingWindow, Algorithm::SlidingLog]),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new(limit);
        for step in steps {
            match step {
                Step::Ask { replica, amount } => world.ask(replica, amount),
                Step::Wait { millis } => world.wait(millis),
                Step::Lose { replica } => world.away[replica] = true,
                Step::Flap { replica, arrives } if world.away[replica] => world.flap(replica, arrives),
                Step::ComeBack { replica, .. } => world.find(replica),
                Step::Flap { .. } => {}
            }
            if !world.is_away() {
                world.check_settled();
            }
        }
        (0..REPLICAS).for_each(|replica| world.find(replica));
        world.check_settled();
    }
}
