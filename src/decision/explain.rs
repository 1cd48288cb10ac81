//! What a request would meet, and why, without counting: each descriptor's way through the rules, and what comes of the rule that it ends at.
//!
//! It goes by the same [`Plan`] as a decision, so that both say the same.

use crate::decision::cost::Cost;
use crate::decision::hit::{Hit, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::key::name::{CounterName, NamedEntries};
use crate::decision::limit::Limit;
use crate::decision::plan::{Match, Modes, Plan, Uncounted};
use crate::decision::request::Request;
use crate::decision::rules::walk::Walk;
use crate::decision::rules::{Rule, RuleLimit, RuleSet};

/// One descriptor, explained.
#[derive(Debug)]
pub struct Explained<'r> {
    /// Its way through the rules.
    pub walk: Walk<'r>,
    /// What comes of it.
    pub fate: Fate<'r>,
}

/// What comes of a descriptor.
#[derive(Debug)]
pub enum Fate<'r> {
    /// No rule applies: it passes.
    NoRule,
    /// Its rule has no limit: it passes.
    NoLimit,
    /// Its rule says `unlimited`: it passes.
    Unlimited,
    /// Its rule is replaced by this one, which another descriptor of the request meets: it passes.
    Replaced(&'r Rule),
    /// It is counted, in a counter for each limit of its rule: at least one.
    Counted(Vec<Counted>),
}

/// How a descriptor is counted by one limit.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The counter.
    pub key: CounterKey,
    /// The limit's name.
    pub name: Option<Box<str>>,
    /// What of the counter's name stands in its key as a hash.
    pub hashed: Hashed,
    /// Whether a pattern stands in the key in place of values, so that they share the counter.
    pub shared: bool,
    /// The limit as it is held here.
    pub limit: Limit,
    /// The limit as the rule says it; more than is held here where this deployment has a share of it.
    pub whole: Limit,
    /// What counts for the hits that a request carries.
    pub cost: Cost,
    /// What it means for the request when this one is over.
    pub role: Role,
    /// What decides where the counter's store does not answer.
    pub on_store_failure: OnStoreFailure,
}

/// Which parts of a counter's key are hashes, because they are too long to stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashed {
    /// The domain.
    pub domain: bool,
    /// All entries together.
    pub all_entries: bool,
    /// The keys or values of these entries, counted from 0.
    pub entries: Vec<usize>,
}

/// What each descriptor of a request would meet, in their order.
#[must_use]
pub fn explain<'r>(request: &Request<'_>, rules: &'r RuleSet, modes: Modes) -> Vec<Explained<'r>> {
    let plan = Plan::new(request, rules, modes);
    let mut hits = plan.batch().hits.iter();
    let fates = plan.matches.iter().map(|found| match *found {
        Match::Nothing => Fate::NoRule,
        Match::Uncounted(_, Uncounted::NoLimit) => Fate::NoLimit,
        Match::Uncounted(_, Uncounted::Unlimited) => Fate::Unlimited,
        Match::Uncounted(rule, Uncounted::Replaced) => Fate::Replaced(replacing(rule, &plan)),
        Match::Brought(limit) => {
            let own = RuleLimit { limit, cost: Cost::PLAIN, name: None };
            Fate::Counted(hits.next().map(|hit| counted(None, &own, hit)).into_iter().collect())
        }
        Match::Limited(rule, limits) => {
            let counted = limits.iter().zip(&mut hits).map(|(limit, hit)| counted(Some(rule), limit, hit));
            Fate::Counted(counted.collect())
        }
    });
    let fates: Vec<Fate<'r>> = fates.collect();
    let walks = request.descriptors.iter().map(|one| rules.walk(request.domain, &one.entries));
    walks.zip(fates).map(|(walk, fate)| Explained { walk, fate }).collect()
}

/// The first rule that replaces this one; a rule never names itself.
fn replacing<'r>(replaced: &'r Rule, plan: &Plan<'r>) -> &'r Rule {
    let replaces = |rule: &&Rule| rule.replaces.iter().any(|name| replaced.names().any(|own| own == &**name));
    plan.matches.iter().filter_map(Match::rule).find(replaces).unwrap_or(replaced)
}

fn counted(rule: Option<&Rule>, limit: &RuleLimit, hit: &Hit) -> Counted {
    Counted {
        hashed: Hashed::of(&hit.key),
        key: hit.key.clone(),
        name: limit.name.clone(),
        shared: rule.is_some_and(Rule::shares_counters),
        limit: hit.limit,
        whole: limit.limit,
        cost: limit.cost,
        role: hit.role,
        on_store_failure: hit.on_store_failure,
    }
}

impl Hashed {
    /// What the key shows of it.
    fn of(key: &CounterKey) -> Self {
        let Some(name) = CounterName::read(key.as_bytes()) else { return Self::default() };
        let domain = name.domain.is_hashed();
        match name.entries {
            NamedEntries::Hashed(_) => Self { domain, all_entries: true, entries: Vec::new() },
            NamedEntries::Listed(entries) => {
                let hashed = entries.iter().enumerate();
                let hashed = hashed.filter(|(_, (key, value))| key.is_hashed() || value.is_hashed());
                Self { domain, all_entries: false, entries: hashed.map(|(index, _)| index).collect() }
            }
        }
    }

    /// Whether nothing is hashed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::limit_share::LimitShare;
    use crate::decision::period::Period;
    use crate::decision::request::{Descriptor, Entry, Hits};
    use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

    fn spec(key: &str, value: &str, quota: Option<QuotaSpec>) -> DescriptorSpec {
        let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
        let limit =
            quota.map(|quota| LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN });
        DescriptorSpec {
            value: (!value.is_empty()).then(|| value.into()),
            limit,
            ..DescriptorSpec::new(key, location)
        }
    }

    fn limited(key: &str, value: &str) -> DescriptorSpec {
        spec(key, value, Some(QuotaSpec::Counted(Limit::new(10, Period::MINUTE))))
    }

    fn named(mut spec: DescriptorSpec, name: Option<&str>, replaces: &[&str]) -> DescriptorSpec {
        let limit = spec.limit.as_mut().unwrap();
        limit.name = name.map(Into::into);
        limit.replaces = replaces.iter().map(|name| (*name).to_owned()).collect();
        spec
    }

    fn rules() -> RuleSet {
        let shared = DescriptorSpec { share_threshold: true, shadow_mode: true, ..limited("host", "*.org") };
        let descriptors = vec![
            limited("user", ""),
            spec("user", "free", Some(QuotaSpec::Unlimited)),
            spec("user", "listed", None),
            shared,
            named(limited("old", ""), Some("old"), &[]),
            named(limited("new", ""), None, &["old"]),
        ];
        RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap()
    }

    /// What comes of each descriptor of one entry, in a line.
    #[track_caller]
    fn check(modes: Modes, entries: &[(&str, &str)], expected: &[&str]) {
        let rules = rules();
        let descriptor = |&(key, value): &(&'static str, &'static str)| Descriptor {
            entries: [Entry { key: key.as_bytes(), value: value.as_bytes() }].into_iter().collect(),
            limit_override: None,
            hits: Hits::Take(1),
        };
        let entries: Vec<(&'static str, &'static str)> =
            entries.iter().map(|&(key, value)| (leak(key), leak(value))).collect();
        let request = Request { domain: "d", descriptors: entries.iter().map(descriptor).collect() };
        let told = explain(&request, &rules, modes).into_iter().map(|one| match one.fate {
            Fate::Replaced(by) => format!("replaced by {}", by.path),
            Fate::Counted(counted) => {
                let told = counted.into_iter().map(|Counted { key, hashed, limit, whole, .. }| {
                    format!("{key:?} {} of {} {hashed:?}", limit.requests_per_unit, whole.requests_per_unit)
                });
                told.collect::<Vec<_>>().join(" and ")
            }
            other => format!("{other:?}"),
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    fn leak(text: &str) -> &'static str {
        text.to_owned().leak()
    }

    const PLAIN: &str = "Hashed { domain: false, all_entries: false, entries: [] }";

    #[test]
    fn the_fate_is_what_a_decision_makes_of_the_rule() {
        let user = format!("1|f60|d|user=ada 10 of 10 {PLAIN}");
        check(Modes::default(), &[("user", "ada"), ("k", "v")], &[&user, "NoRule"]);
        check(Modes::default(), &[("user", "free"), ("user", "listed")], &["Unlimited", "NoLimit"]);
        let new = format!("1|f60|d|new=2 10 of 10 {PLAIN}");
        check(Modes::default(), &[("old", "1"), ("new", "2")], &["replaced by new", &new]);
        let host = format!("1|f60|d|host=*.org 10 of 10 {PLAIN}");
        check(Modes::default(), &[("host", "a.org")], &[&host]);
    }

    #[test]
    fn the_share_of_a_limit_and_hashes_are_told() {
        let modes = Modes { limit_share: LimitShare::new(0.35).unwrap(), ..Modes::default() };
        let user = format!("1|f60|d|user=ada 3 of 10 {PLAIN}");
        check(modes, &[("user", "ada")], &[&user]);
        let hash = "635361C48BB9EAB14198E76EA8AB7F1A41685D6AD62AA914";
        let long = format!(
            "1|f60|d|user=#{hash} 10 of 10 Hashed {{ domain: false, all_entries: false, entries: [0] }}"
        );
        check(Modes::default(), &[("user", &"a".repeat(65))], &[&long]);
    }
}
