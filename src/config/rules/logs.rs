//! Sliding logs that would hold more hits than is meant: each hit has a place of its own in memory.

use crate::config::diagnostic::{Diagnostic, Diagnostics, Origin, Position};
use crate::decision::algorithm::Algorithm;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, QuotaSpec};

/// Reports every log of a domain that is larger than that.
pub(super) fn check(domain: &DomainSpec, most: u32, faults: &mut Diagnostics) {
    check_level(&domain.descriptors, most, faults);
}

fn check_level(level: &[DescriptorSpec], most: u32, faults: &mut Diagnostics) {
    for descriptor in level {
        for limit in descriptor.limits() {
            match limit.quota {
                QuotaSpec::Counted(limit)
                    if limit.algorithm == Algorithm::SlidingLog && limit.requests_per_unit > most =>
                {
                    faults.push(too_large(descriptor, limit.requests_per_unit, most));
                }
                QuotaSpec::Counted(_) | QuotaSpec::Unlimited => {}
            }
        }
        check_level(&descriptor.descriptors, most, faults);
    }
}

fn too_large(descriptor: &DescriptorSpec, requests: u32, most: u32) -> Diagnostic {
    let location = &descriptor.location;
    let position = Some(Position { line: location.line, column: location.column });
    let message = format!("a `sliding_log` of {requests} hits, which each counter would hold one by one");
    let help = format!(
        "a log has {most} at the most (`rules.max_sliding_log`); take `sliding_window` or `token_bucket`, which hold numbers"
    );
    Diagnostic::new(Origin::File { name: location.file.clone(), position }, message).with_help(help)
}
