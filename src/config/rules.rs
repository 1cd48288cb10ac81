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
mod siblings;
#[cfg(test)]
mod tests;

use crate::config::diagnostic::Diagnostics;
use crate::config::files::RuleSources;
use crate::config::source::SourceFile;
use crate::decision::rules::spec::DomainSpec;

/// How rule files are read together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// Files of the same domain add up, instead of being a fault.
    pub merge_domains: bool,
}

/// The rules of what was read.
///
/// # Errors
///
/// Every fault of every file, in the order of the files and their lines: those of files that cannot be used, and those of
/// the others' grammar.
pub fn read(sources: &RuleSources, options: RuleOptions) -> Result<Vec<DomainSpec>, Diagnostics> {
    collect(sources.files.iter().map(Result::as_ref), options)
}

/// The rules of all files, in the order of their domains' first files.
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
            Ok(file) => add(file, &mut domains),
            Err(of_file) => of_file.clone(),
        });
    }
    faults.or(domains.into_specs())
}

fn add(file: &SourceFile, domains: &mut merge::Domains) -> Diagnostics {
    let mut faults = Diagnostics::new();
    if let Some(domain) = domain::read(file, &mut faults) {
        domains.add(file, domain, &mut faults);
    }
    faults.sort_by_position();
    faults
}
