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
use crate::config::source::SourceFile;
use crate::decision::rules::spec::DomainSpec;

/// How rule files are read together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// Files of the same domain add up, instead of being a fault.
    pub merge_domains: bool,
}

/// The rules of all files, in the order of their domains' first files.
///
/// # Errors
///
/// Every fault of every file, in the order of the files and their lines.
pub fn parse(files: &[SourceFile], options: RuleOptions) -> Result<Vec<DomainSpec>, Diagnostics> {
    let mut faults = Diagnostics::new();
    let mut domains = merge::Domains::new(options.merge_domains);
    for file in files {
        let mut of_file = Diagnostics::new();
        if let Some(domain) = domain::read(file, &mut of_file) {
            domains.add(file, domain, &mut of_file);
        }
        of_file.sort_by_position();
        faults.append(of_file);
    }
    faults.or(domains.into_specs())
}
