//! From checked descriptors to the structure that requests are matched on.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use crate::decision::percent::escaped;
use crate::decision::rules::RuleSet;
use crate::decision::rules::level::{Level, Meaning};
use crate::decision::rules::limits::{Limits, RuleLimit};
use crate::decision::rules::rule::{Passage, Quota, Rule, RuleId, level_bit};
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

/// Why rules cannot be compiled. Whoever reads rules from text finds these faults first, with their line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A domain stands twice.
    #[error("domain `{0}` is defined twice")]
    DuplicateDomain(String),
    /// Two siblings have the same key and value.
    #[error("{0}: a sibling has the same key and value")]
    DuplicateDescriptor(Location),
}

impl RuleSet {
    /// Compiles the rules of all domains.
    ///
    /// # Errors
    /// Where a domain stands twice, or two siblings have the same key and value.
    pub fn compile(domains: &[DomainSpec]) -> Result<Self, CompileError> {
        let mut compiler = Compiler::default();
        let mut levels = HashMap::with_hasher(RandomState::new());
        for spec in domains {
            compiler.domain = spec.name.as_str().into();
            let level = compiler.level(&spec.descriptors)?;
            if levels.insert(spec.name.as_str().into(), level).is_some() {
                return Err(CompileError::DuplicateDomain(spec.name.clone()));
            }
        }
        Ok(Self { domains: levels, rules: compiler.rules, passages: compiler.passages })
    }
}

/// What is known on the way down to a descriptor.
struct Compiler {
    domain: Arc<str>,
    path: String,
    shared: Vec<Option<Box<str>>>,
    /// The levels that have no value of their own, or a pattern that values do not share; and those of them whose value is to be
    /// named.
    open: u64,
    named: u64,
    rules: Vec<Rule>,
    passages: Vec<Location>,
}

impl Default for Compiler {
    fn default() -> Self {
        Self {
            domain: "".into(),
            path: String::new(),
            shared: Vec::new(),
            open: 0,
            named: 0,
            rules: Vec::new(),
            passages: Vec::new(),
        }
    }
}

impl Compiler {
    fn level(&mut self, descriptors: &[DescriptorSpec]) -> Result<Level, CompileError> {
        let mut level = Level::with_capacity(
            descriptors.len(),
            descriptors.iter().filter(|spec| spec.value.is_some()).count(),
        );
        self.rules.reserve(descriptors.len());
        for spec in descriptors {
            let above = self.enter(spec);
            let meaning = self.meaning(spec);
            let next = if spec.descriptors.is_empty() { None } else { Some(self.level(&spec.descriptors)?) };
            self.path.truncate(above);
            self.leave();
            level
                .push(&spec.key, spec.value.as_deref(), meaning, next)
                .map_err(|_| CompileError::DuplicateDescriptor(spec.location.clone()))?;
        }
        Ok(level)
    }

    /// Takes one step down; gives the length of the path above.
    fn enter(&mut self, spec: &DescriptorSpec) -> usize {
        let above = self.path.len();
        push_step(&mut self.path, &spec.key, spec.value.as_deref());
        let level = level_bit(self.shared.len());
        let is_open = spec.value.as_ref().is_none_or(|value| value.contains('*') && !spec.share_threshold);
        self.open |= if is_open { level } else { 0 };
        self.named |= if is_open && spec.value_to_metric { level } else { 0 };
        self.shared.push(spec.value.as_deref().filter(|_| spec.share_threshold).map(Into::into));
        above
    }

    /// Takes the step back up, but for the path.
    fn leave(&mut self) {
        self.shared.pop();
        let above = !level_bit(self.shared.len());
        self.open &= above;
        self.named &= above;
    }

    /// A level that only leads further is no rule; one that leads nowhere and has no limit lists what is allowed.
    fn meaning(&mut self, spec: &DescriptorSpec) -> Meaning {
        if spec.limit.is_none() && !spec.descriptors.is_empty() {
            let id = self.passages.len().try_into().expect("a rule file holds fewer than 2^32 descriptors");
            self.passages.push(spec.location.clone());
            return Meaning::Passage(Passage(id));
        }
        let id =
            RuleId::new(self.rules.len().try_into().expect("a rule file holds fewer than 2^32 descriptors"));
        let shared = self.shared.iter().any(Option::is_some).then(|| self.shared.as_slice().into());
        self.rules.push(Rule {
            id,
            domain: Arc::clone(&self.domain),
            path: self.path.as_str().into(),
            location: spec.location.clone(),
            quota: quota(spec),
            name_of_uncounted: name_of_uncounted(spec),
            replaces: spec
                .limits()
                .flat_map(|limit| &limit.replaces)
                .map(|name| name.as_str().into())
                .collect(),
            shadow_mode: spec.shadow_mode,
            quota_mode: spec.quota_mode,
            detailed_metric: spec.detailed_metric,
            on_store_failure: spec.on_store_failure,
            metadata: spec.metadata.clone(),
            shared,
            named_by_value: if spec.detailed_metric { self.open } else { self.named },
        });
        Meaning::Rule(id)
    }
}

/// Appends a step to a path.
pub(super) fn push_step(path: &mut String, key: &str, value: Option<&str>) {
    if !path.is_empty() {
        path.push(',');
    }
    push_escaped(path, key);
    if let Some(value) = value {
        path.push('=');
        push_escaped(path, value);
    }
}

/// Appends a key or value with the bytes that could be mistaken for structure, and those that a terminal would obey, as `%XX`.
fn push_escaped(path: &mut String, part: &str) {
    let mut utf8 = [0; 4];
    for c in part.chars() {
        if c.is_control() || matches!(c, '%' | ',' | '=') {
            for byte in c.encode_utf8(&mut utf8).bytes() {
                path.extend(escaped(byte).map(char::from));
            }
        } else {
            path.push(c);
        }
    }
}

fn quota(spec: &DescriptorSpec) -> Quota {
    let Some(first) = &spec.limit else { return Quota::NoLimit };
    match first.quota {
        QuotaSpec::Unlimited => Quota::Unlimited,
        QuotaSpec::Counted(limit) => {
            let further = spec.further_limits.iter().filter_map(counted).collect();
            Quota::Limited(Limits::new(RuleLimit::new(limit, first), further))
        }
    }
}

fn counted(spec: &LimitSpec) -> Option<RuleLimit> {
    match spec.quota {
        QuotaSpec::Unlimited => None,
        QuotaSpec::Counted(limit) => Some(RuleLimit::new(limit, spec)),
    }
}

fn name_of_uncounted(spec: &DescriptorSpec) -> Option<Box<str>> {
    let uncounted = spec.limit.as_ref().filter(|limit| limit.quota == QuotaSpec::Unlimited)?;
    uncounted.name.as_deref().map(Into::into)
}
