//! The rules that servers get: one or a hundred thousand, none of which ever denies, and how one of them changes.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::Context;
use ratekeeper::decision::algorithm::Algorithm;

/// The domain of the load's requests.
const DOMAIN: &str = "bench";

/// So high that nothing is denied: every value has a counter of its own.
const LIMIT: &str = "requests_per_unit: 4000000000";

/// As many as a log may hold: no key of the load is hit so often.
const LOG_LIMIT: &str = "requests_per_unit: 1000";

/// A hit drains in less than a second, and no key of the load is hit so often.
const BUCKET_LIMIT: &str = "requests_per_unit: 100000";

/// A folder of rules. Each has, beside the rule that says in which generation it is, one that matches every key of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleSet {
    /// No more than that; counters live for a day.
    One,
    /// No more than that; counters live for a second, so that they come and go all the time.
    Brief,
    /// No more than that, held by another algorithm.
    Held(Algorithm),
    /// And so many for a value each, namely those that the load asks for, with as many keys.
    Rules(u32),
    /// And so many domains that nobody asks about.
    Domains(u32),
}

impl RuleSet {
    /// Writes all files, as generation 0.
    pub(crate) fn write(self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).context("cannot make the folder of rules")?;
        if let RuleSet::Domains(domains) = self {
            for number in 0..domains {
                let text = format!("domain: other-{number}\n{}", rules("unit: day", 0));
                fs::write(folder.join(format!("other-{number}.yaml")), text)
                    .context("cannot write a rule file")?;
            }
        }
        self.rewrite(folder, 0)
    }

    /// Puts another generation in the place of the file that the load is decided by, at once, as a deployment does.
    pub(crate) fn rewrite(self, folder: &Path, generation: u32) -> anyhow::Result<()> {
        let next = folder.join("next");
        fs::write(&next, self.text(generation)).context("cannot write the rules")?;
        fs::rename(next, folder.join("bench.yaml")).context("cannot change the rules")
    }

    fn text(self, generation: u32) -> String {
        let held = match self {
            RuleSet::Brief => "unit: second".to_owned(),
            RuleSet::Held(algorithm) => format!("unit: day, algorithm: {}", algorithm.name()),
            _ => "unit: day".to_owned(),
        };
        let mut text = format!("domain: {DOMAIN}\n{}", rules(&held, generation));
        text = match self {
            RuleSet::Held(Algorithm::SlidingLog) => text.replace(LIMIT, LOG_LIMIT),
            // So that it still holds something when the next hit comes.
            RuleSet::Held(Algorithm::TokenBucket) => text.replace(LIMIT, BUCKET_LIMIT),
            _ => text,
        };
        if let RuleSet::Rules(count) = self {
            let digits = count.saturating_sub(1).checked_ilog10().map_or(1, |log| log as usize + 1);
            for key in 0..count {
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "  - {{key: key, value: 0-{key:0digits$}, rate_limit: {{unit: day, {LIMIT}}}}}"
                );
            }
        }
        text
    }
}

fn rules(held: &str, generation: u32) -> String {
    format!(
        "descriptors:\n  \
         - {{key: generation, value: \"{generation}\", rate_limit: {{unit: day, {LIMIT}}}}}\n  \
         - {{key: key, rate_limit: {{{held}, {LIMIT}}}}}\n"
    )
}

impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleSet::One | RuleSet::Brief | RuleSet::Held(_) => f.write_str("2 rules"),
            RuleSet::Rules(count) => write!(f, "{count} rules"),
            RuleSet::Domains(count) => write!(f, "{count} domains"),
        }
    }
}
