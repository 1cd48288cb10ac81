//! The grammar of rule files: text in, checked rules out, or every fault of every file.
//!
//! Strict where a mistake would loosen or move a limit without a word; the fields and what they mean are those of the
//! files that Envoy's users have already. What rules do is `decision`'s business.

mod descriptor;
mod domain;
mod fields;
mod limit;
mod merge;
mod metadata;
mod replaced;
mod siblings;
mod strays;
#[cfg(test)]
mod tests;
mod unreachable;

use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::files::RuleSources;
use crate::config::source::SourceFile;
use crate::decision::rules::spec::DomainSpec;

/// How rule files are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleOptions {
    /// Files of the same domain add up, instead of being a fault.
    pub merge_domains: bool,
    /// No rule at all is what is meant, instead of a fault: of an empty mount or a wrong path, most of the time.
    pub allow_empty: bool,
    /// The most hits that a sliding log may hold.
    pub max_sliding_log: u32,
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self { merge_domains: false, allow_empty: false, max_sliding_log: MAX_SLIDING_LOG }
    }
}

/// The most hits that a sliding log may hold where nobody says otherwise: 16 KB a counter here, about 30 KB in Redis.
pub const MAX_SLIDING_LOG: u32 = 1_000;

/// Rules without faults.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The domains, in the order of their first files.
    pub domains: Vec<DomainSpec>,
    /// What hardly means what it says: folders that are not read, rules that are never reached, and names that `replaces` and no rule has.
    pub warnings: Diagnostics,
}

/// The rules of what was read.
///
/// # Errors
///
/// Every fault of every file, in the order of the files and their lines: those of files that cannot be used, and those of
/// the others' grammar. One where there is no rule and [`RuleOptions::allow_empty`] is not set. Then the warnings.
pub fn read(sources: &RuleSources, options: RuleOptions) -> Result<Rules, Diagnostics> {
    let mut warnings = sources.warnings.clone();
    let read = collect(sources.files.iter().map(Result::as_ref), options)
        .and_then(|domains| check_not_empty(domains, sources.files.len(), options));
    match read {
        Ok(domains) => {
            for domain in &domains {
                unreachable::warn(domain, &mut warnings);
                replaced::warn(domain, &mut warnings);
            }
            Ok(Rules { domains, warnings })
        }
        Err(mut faults) => {
            faults.append(warnings);
            Err(faults)
        }
    }
}

fn check_not_empty(
    domains: Vec<DomainSpec>,
    files: usize,
    options: RuleOptions,
) -> Result<Vec<DomainSpec>, Diagnostics> {
    if options.allow_empty || domains.iter().any(|domain| !domain.descriptors.is_empty()) {
        return Ok(domains);
    }
    let message = format!("there is no rule in the {files} rule files that were found");
    let help = "write rules there, or set `rules.allow_empty: true` if none is what you mean";
    Err(Diagnostic::of_file("rules.paths", message).with_help(help).into())
}

/// The rules of all files, in the order of their domains' first files; without warnings.
///
/// # Errors
///
/// Every fault of every file, in the order of the files and their lines.
pub fn parse(files: &[SourceFile], options: RuleOptions) -> Result<Vec<DomainSpec>, Diagnostics> {
    collect(files.iter().map(Ok), options)
}

fn collect<'s>(
    files: impl Iterator<Item = Result<&'s SourceFile, &'s Diagnostics>>,
    options: RuleOptions,
) -> Result<Vec<DomainSpec>, Diagnostics> {
    let mut faults = Diagnostics::new();
    let mut domains = merge::Domains::new(options.merge_domains);
    for file in files {
        faults.append(match file {
            Ok(file) => add(file, options.max_sliding_log, &mut domains),
            Err(of_file) => of_file.clone(),
        });
    }
    faults.or(domains.into_specs())
}

fn add(file: &SourceFile, longest_log: u32, domains: &mut merge::Domains) -> Diagnostics {
    let mut faults = Diagnostics::new();
    if let Some(domain) = domain::read(file, longest_log, &mut faults) {
        domains.add(file, domain, &mut faults);
    }
    faults.sort_by_position();
    faults
}
