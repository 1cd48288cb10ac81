//! Rules as an operator writes them, already checked: the input of compilation.
//!
//! Whoever builds these (the YAML grammar today) reports faults with their place in the file; what is
//! constructed here is well-formed by type, and compilation only indexes it.

use std::fmt;
use std::sync::Arc;

use crate::decision::cost::Cost;
use crate::decision::hit::OnStoreFailure;
use crate::decision::limit::Limit;
use crate::decision::metadata::Mapping;

/// All rules of one domain.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainSpec {
    /// The domain's name; not empty.
    pub name: String,
    /// The first level of descriptors, in file order.
    pub descriptors: Vec<DescriptorSpec>,
}

/// One descriptor of a rule file: a key, what values it is for, and what applies there.
#[derive(Debug, Clone, PartialEq)]
pub struct DescriptorSpec {
    /// Must equal the entry's key, byte for byte.
    pub key: String,
    /// `None` (absent or empty in the file): the key's default rule. Text with `*` in it is a pattern, anything else an exact value.
    pub value: Option<String>,
    /// What applies to a request whose last entry stands at this level.
    pub limit: Option<LimitSpec>,
    /// Limits that must pass beside that one, each in a window of another length or by another algorithm; empty where there is none. None of them is
    /// [`QuotaSpec::Unlimited`], and nor is that one then.
    pub further_limits: Vec<LimitSpec>,
    /// Evaluated and counted, but never denies.
    pub shadow_mode: bool,
    /// Denies only together with all other quota-mode descriptors of the request.
    pub quota_mode: bool,
    /// Metrics carry every runtime value.
    pub detailed_metric: bool,
    /// Metrics carry this level's runtime value.
    pub value_to_metric: bool,
    /// All values that match this level's pattern share one counter.
    pub share_threshold: bool,
    /// What decides while the shared store does not; `None` leaves it to the settings.
    pub on_store_failure: Option<OnStoreFailure>,
    /// Returned in the dynamic metadata of answers.
    pub metadata: Option<Mapping>,
    /// The next level, in file order.
    pub descriptors: Vec<DescriptorSpec>,
    /// Where the descriptor stands.
    pub location: Location,
}

impl DescriptorSpec {
    /// Every limit that applies, in the order of the file.
    pub fn limits(&self) -> impl Iterator<Item = &LimitSpec> {
        self.limit.iter().chain(&self.further_limits)
    }

    /// A descriptor of this key and nothing else: any value, no limit, no level below.
    #[must_use]
    pub fn new(key: impl Into<String>, location: Location) -> Self {
        Self {
            key: key.into(),
            value: None,
            limit: None,
            further_limits: Vec::new(),
            shadow_mode: false,
            quota_mode: false,
            detailed_metric: false,
            value_to_metric: false,
            share_threshold: false,
            on_store_failure: None,
            metadata: None,
            descriptors: Vec::new(),
            location,
        }
    }
}

/// What `rate_limit` says, or one item of `rate_limits` or `limits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSpec {
    /// How many hits pass.
    pub quota: QuotaSpec,
    /// Returned in the answer; other rules may replace this one by it.
    pub name: Option<String>,
    /// Names of the rules that this one replaces where both match one request; never its own name.
    pub replaces: Vec<String>,
    /// What counts for the hits that a request carries.
    pub cost: Cost,
}

/// How many hits a limit lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaSpec {
    /// All; nothing is counted.
    Unlimited,
    /// So many in each window; 0 denies everything.
    Counted(Limit),
}

/// A place in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file's path as the operator named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Location {
    /// The file and the line, without the column.
    #[must_use]
    pub fn file_and_line(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
