//! Replicas with a ledger each, one store, and outages at random: the promises of the module's documentation, step by step.

mod store;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use store::Store;

const REPLICAS: usize = 3;
const LIMITS: [u32; 3] = [1, 7, 20];

/// What the test knows of one counter in one window, by its own book-keeping.
#[derive(Debug, Default, Clone)]
struct Truth {
    /// Hits that passed.
    passed: u64,
    /// What each replica has read last.
    read: [u64; REPLICAS],
    /// What each replica has admitted by itself and has not settled.
    unsettled: [u64; REPLICAS],
    /// The shares that were handed out to replicas, one for each outage of each.
    granted: u64,
    /// What may have passed in the end, where outages are the same for all.
    bound: u64,
}

struct World {
    store: Store,
    replicas: Vec<Ledger>,
    away: [bool; REPLICAS],
    now: Timestamp,
    truths: BTreeMap<(usize, u64), Truth>,
}

impl World {
    fn new() -> Self {
        let replicas = (0..REPLICAS).map(|_| ledger()).collect();
        Self { store: Store::default(), replicas, away: [false; REPLICAS], now: NOW, truths: BTreeMap::new() }
    }

    fn truth(&mut self, counter: usize) -> &mut Truth {
        let start = Window::at(Period::MINUTE, self.now).start;
        let bound = share_of(LIMITS[counter], 0) * REPLICAS as u64;
        let new = || Truth { bound, ..Truth::default() };
        self.truths.entry((counter, start)).or_insert_with(new)
    }

    fn ask(&mut self, replica: usize, counter: usize, amount: u32, answer_lost: bool) {
        let hit = take(&counter.to_string(), LIMITS[counter], amount);
        if let Some(reading) = self.replicas[replica].known_over(&hit, self.now) {
            // Nothing gives back in this world, so what was known to be over is still.
            assert!(reading.over);
            let (_, now) = self.store.count(&Hit { hits: Hits::Take(0), ..hit.clone() }, self.now);
            assert!(now.count + u64::from(amount) > u64::from(LIMITS[counter]));
            return;
        }
        if !self.away[replica] {
            let (window, reading) = self.store.count(&hit, self.now);
            if !answer_lost {
                self.replicas[replica].note_reading(&hit, &State::FixedWindow(window), self.now);
                let truth = self.truth(counter);
                truth.read[replica] = window.count;
                truth.passed += if reading.over { 0 } else { u64::from(amount) };
                return;
            }
        }
        self.decide(replica, counter, &hit, amount);
    }

    fn decide(&mut self, replica: usize, counter: usize, hit: &Hit, amount: u32) {
        let limit = LIMITS[counter];
        let hits = std::slice::from_ref(hit);
        let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
        let reading = self.replicas[replica].decide(batch, &[SLOT], share(3), self.now)[0];
        let truth = self.truth(counter);
        let used = truth.unsettled[replica] + u64::from(amount);
        let share = share_of(limit, truth.read[replica]);
        let fits = used <= share && truth.read[replica] <= u64::from(limit);
        assert_eq!(reading.over, !fits, "{truth:?}");
        if fits {
            assert_eq!(u64::from(limit).saturating_sub(reading.count), share - used);
            if truth.unsettled[replica] == 0 {
                truth.granted += share_of(limit, truth.read[replica]);
            }
            truth.unsettled[replica] += u64::from(amount);
            truth.passed += u64::from(amount);
        }
    }

    /// The shard goes for everybody: from here on each replica has its share of what it thinks is left.
    fn lose(&mut self) {
        self.away = [true; REPLICAS];
        for (counter, limit) in LIMITS.into_iter().enumerate() {
            let truth = self.truth(counter);
            let shares: u64 = truth.read.map(|read| share_of(limit, read)).iter().sum();
            truth.bound = truth.bound.max(truth.passed + shares);
        }
    }

    /// Settles everything of one replica; each settlement's first answers may be lost.
    fn settle(&mut self, replica: usize, lost_answers: usize) {
        self.away[replica] = false;
        let start = Window::at(Period::MINUTE, self.now).start;
        for attempt in 0..=lost_answers {
            for settlement in round(&self.replicas[replica], self.now) {
                let count = self.store.settle(replica, &settlement);
                if attempt < lost_answers {
                    continue;
                }
                settled(&self.replicas[replica], &settlement, count, self.now);
                let counter = (0..LIMITS.len())
                    .find(|counter| *settlement.key == *take(&counter.to_string(), 1, 1).key.as_bytes());
                let truth = self.truths.get_mut(&(counter.unwrap(), start)).unwrap();
                assert_eq!(truth.unsettled[replica], settlement.admitted);
                truth.unsettled[replica] = 0;
                truth.read[replica] = count;
            }
        }
        assert_eq!(round(&self.replicas[replica], self.now), []);
    }

    /// What is counted by slot is what there is.
    fn assert_debts_are_counted(&self) {
        for ledger in &self.replicas {
            let owed: u32 = ledger.unsettled_by_slot().map(|(_, counters)| counters).sum();
            assert_eq!(owed as usize, ledger.figures().unsettled);
        }
    }

    /// The store's count and what is unsettled are together all that has passed.
    fn assert_nothing_is_forgotten(&mut self) {
        for (counter, limit) in LIMITS.into_iter().enumerate() {
            let look = take(&counter.to_string(), limit, 0);
            let (_, reading) = self.store.count(&look, self.now);
            let truth = self.truth(counter);
            assert!(reading.count + truth.unsettled.iter().sum::<u64>() >= truth.passed, "{truth:?}");
        }
    }
}

/// A replica's share of a counter by the rule.
fn share_of(limit: u32, read: u64) -> u64 {
    u64::from(limit).saturating_sub(read).div_ceil(REPLICAS as u64)
}

#[derive(Debug, Clone)]
enum Step {
    Ask { replica: usize, counter: usize, amount: u32 },
    AnswerLost { replica: usize, counter: usize },
    Advance { millis: u64 },
    Lose { replica: usize },
    Return { replica: usize, lost_answers: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (replica, counter) = (0..REPLICAS, 0..LIMITS.len());
    prop_oneof![
        20 => (replica.clone(), counter.clone(), 0..4_u32)
            .prop_map(|(replica, counter, amount)| Step::Ask { replica, counter, amount }),
        1 => (replica.clone(), counter).prop_map(|(replica, counter)| Step::AnswerLost { replica, counter }),
        3 => (0..15_000_u64).prop_map(|millis| Step::Advance { millis }),
        1 => replica.clone().prop_map(|replica| Step::Lose { replica }),
        1 => (replica, 0..3_usize).prop_map(|(replica, lost_answers)| Step::Return { replica, lost_answers }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Everybody loses the shard at the same time, and settles before the first request.
    #[test]
    fn outages_of_the_store(steps in proptest::collection::vec(step(), 1..300)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Ask { replica, counter, amount } => world.ask(replica, counter, amount, false),
                Step::AnswerLost { .. } => {}
                Step::Advance { millis } => world.now = world.now.after(Duration::from_millis(millis)),
                Step::Lose { .. } => world.lose(),
                Step::Return { lost_answers, .. } => {
                    (0..REPLICAS).for_each(|replica| world.settle(replica, lost_answers));
                }
            }
            world.assert_nothing_is_forgotten();
            for ((counter, _), truth) in &world.truths {
                prop_assert!(truth.passed <= truth.bound.max(u64::from(LIMITS[*counter])), "{:?}", truth);
            }
        }
    }

    /// Each replica loses and finds the shard by itself, and answers are lost on the way.
    #[test]
    fn outages_of_single_replicas(steps in proptest::collection::vec(step(), 1..300)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Ask { replica, counter, amount } => world.ask(replica, counter, amount, false),
                Step::AnswerLost { replica, counter } => world.ask(replica, counter, 1, true),
                Step::Advance { millis } => world.now = world.now.after(Duration::from_millis(millis)),
                Step::Lose { replica } => world.away[replica] = true,
                Step::Return { replica, lost_answers } => world.settle(replica, lost_answers),
            }
            world.assert_nothing_is_forgotten();
            for ((counter, _), truth) in &world.truths {
                prop_assert!(truth.passed <= u64::from(LIMITS[*counter]) + truth.granted, "{:?}", truth);
            }
        }
        world.assert_debts_are_counted();
        (0..REPLICAS).for_each(|replica| world.settle(replica, 1));
        world.assert_nothing_is_forgotten();
    }
}

/// Where every replica has read the latest count, rounding is all that goes beyond the limit.
#[test]
fn fresh_readings_leave_only_the_rounding() {
    for limit in 0..30 {
        for before in 0..=limit {
            let replicas: Vec<Ledger> = (0..REPLICAS).map(|_| ledger()).collect();
            replicas.iter().for_each(|ledger| read(ledger, &take("a", limit, 1), u64::from(before)));
            let passes = |ledger: &&Ledger| !decide(ledger, &[take("a", limit, 1)])[0].1;
            let asked = replicas.iter().cycle().take(100);
            let passed = u64::from(before) + asked.filter(passes).count() as u64;
            let rounding = REPLICAS as u64 - 1;
            assert!(passed <= u64::from(limit) + rounding);
            assert!(passed >= u64::from(limit));
        }
    }
}
