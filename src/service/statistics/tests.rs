//! Statistics of real decisions: names, splitting, folding, and what a reload keeps.

use std::collections::BTreeMap;

use smallvec::smallvec;

use super::*;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::plan::Modes;
use crate::decision::request::{Descriptor, Entry, Hits};
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use crate::decision::time::Timestamp;
use crate::service::{Asker, Limiter, ManualClock, Rulebook};
use crate::storage::local::{LocalSettings, LocalStore};

const NOW: Timestamp = Timestamp::from_secs(1_699_999_980);

struct Bench {
    rulebook: Arc<Rulebook>,
    limiter: Limiter<LocalStore, ManualClock>,
}

/// A rule of 10 a year.
fn rule(key: &str, value: Option<&str>, is_detailed: bool) -> DescriptorSpec {
    let quota = QuotaSpec::Counted(Limit::new(10, Period::YEAR));
    let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
    DescriptorSpec {
        value: value.map(Into::into),
        limit: Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN }),
        detailed_metric: is_detailed,
        ..DescriptorSpec::new(key, location)
    }
}

impl Bench {
    fn new(max_names: usize, modes: Modes) -> Self {
        let rulebook = Arc::new(Rulebook::with_statistics(Arc::new(Statistics::new(max_names))));
        let store = LocalStore::new(LocalSettings { max_entries: 1_000 });
        let modes = Modes { near_limit_ratio: 0.8, ..modes };
        let limiter = Limiter::new(Arc::clone(&rulebook), store, ManualClock::at(NOW), modes);
        Self { rulebook, limiter }
    }

    fn publish(&self, descriptors: Vec<DescriptorSpec>) {
        let domain = DomainSpec { name: "d".into(), descriptors };
        let rules = RuleSet::compile(&[domain]).expect("the test's rules are well-formed");
        self.rulebook.publish(rules, "f", NOW);
    }

    async fn ask(&self, key: &str, value: &[u8], hits: u32, limit_override: Option<Limit>) {
        let entries = smallvec![Entry { key: key.as_bytes(), value }];
        let descriptor = Descriptor { entries, limit_override, hits: Hits::Take(hits) };
        let request = Request { domain: "d", descriptors: smallvec![descriptor] };
        self.limiter.decide(&request, Asker::default(), |_| ()).await.expect("there are rules");
    }

    /// `total over near memory within shadow` by name.
    fn told(&self) -> BTreeMap<String, String> {
        let current = self.rulebook.current();
        let snapshot = current.as_deref().expect("rules were published");
        let mut told = BTreeMap::new();
        snapshot.statistics.as_ref().expect("they are wanted").each(|name, values| {
            told.insert(name.to_owned(), values.map(|value| value.to_string()).join(" "));
        });
        told
    }

    fn folded(&self) -> u64 {
        self.rulebook.statistics().expect("they are wanted").folded()
    }
}

fn told<const N: usize>(lines: [(&str, &str); N]) -> BTreeMap<String, String> {
    lines.into_iter().map(|(name, counts)| (name.to_owned(), counts.to_owned())).collect()
}

#[tokio::test]
async fn hits_are_counted_under_the_names_of_their_rules() {
    let bench = Bench::new(10, Modes::default());
    bench.publish(vec![
        rule("plain", None, false),
        rule("exact", Some("v"), false),
        rule("unused", None, false),
    ]);
    bench.ask("plain", b"a", 12, None).await;
    bench.ask("plain", b"b", 1, None).await;
    bench.ask("exact", b"v", 9, None).await;
    bench.ask("unmatched", b"v", 9, None).await;
    assert_eq!(bench.told(), told([("d.plain", "13 2 2 0 1 0"), ("d.exact_v", "9 0 1 0 9 0")]));
}

#[tokio::test]
async fn values_beyond_the_bound_are_folded_and_told() {
    let bench = Bench::new(2, Modes::default());
    bench.publish(vec![rule("user", None, true)]);
    for value in ["a", "b", "c", "d", "a"] {
        bench.ask("user", value.as_bytes(), 1, None).await;
    }
    bench.ask("user", &[b'x'; 2_000], 1, None).await;
    let expected =
        [("d.user_a", "2 0 0 0 2 0"), ("d.user_b", "1 0 0 0 1 0"), ("d.user_other", "3 0 0 0 3 0")];
    assert_eq!((bench.told(), bench.folded()), (told(expected), 3));
}

#[tokio::test]
async fn limits_that_were_brought_along_have_names_and_the_same_bound() {
    let bench = Bench::new(1, Modes::default());
    bench.publish(vec![rule("user", None, false)]);
    let limit = Some(Limit::new(3, Period::YEAR));
    bench.ask("user", b"a", 4, limit).await;
    bench.ask("anyü", b"\xFF", 1, limit).await;
    assert_eq!(bench.told(), told([("d.user_a", "4 1 1 0 0 0"), ("d.other", "1 0 0 0 1 0")]));
    assert_eq!(bench.folded(), 1);
}

#[tokio::test]
async fn a_reload_keeps_counts_and_gives_up_the_places_of_rules_that_are_gone() {
    let bench = Bench::new(1, Modes::default());
    bench.publish(vec![rule("user", None, true), rule("plain", None, false)]);
    bench.ask("user", b"a", 1, None).await;
    bench.ask("plain", b"a", 1, None).await;
    bench.publish(vec![rule("other", None, true), rule("plain", None, false), rule("user", None, true)]);
    bench.ask("user", b"a", 1, None).await;
    bench.ask("plain", b"a", 1, None).await;
    assert_eq!(bench.told(), told([("d.user_a", "2 0 0 0 2 0"), ("d.plain", "2 0 0 0 2 0")]));
    bench.publish(vec![rule("other", None, true)]);
    bench.ask("other", b"x", 1, None).await;
    assert_eq!((bench.told(), bench.folded()), (told([("d.other_x", "1 0 0 0 1 0")]), 0));
}

#[tokio::test]
async fn what_is_denied_is_not_spared() {
    let bench = Bench::new(1, Modes::default());
    bench.publish(vec![rule("plain", None, false)]);
    bench.ask("plain", b"a", 11, None).await;
    assert_eq!(bench.rulebook.statistics().map(Statistics::spared), Some(0));
}

#[tokio::test]
async fn what_the_whole_services_shadow_mode_spares_is_told() {
    let bench = Bench::new(1, Modes { shadow_mode: true, ..Modes::default() });
    bench.publish(vec![rule("plain", None, false)]);
    bench.ask("plain", b"a", 10, None).await;
    bench.ask("plain", b"a", 1, None).await;
    assert_eq!(bench.told(), told([("d.plain", "11 1 2 0 10 0")]));
    assert_eq!(bench.rulebook.statistics().map(Statistics::spared), Some(1));
}
