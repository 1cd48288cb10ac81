//! Names under `replaces` that no rule of the domain has: a slip of the pen, most of the time, after which both rules count.
//!
//! A warning and no fault: the rules do what they say, and the rule that is replaced may come later, or have gone first.

use ahash::HashSet;

use crate::config::decode::closest;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Origin, Position, quote};
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec};

/// With how many names of a domain an unknown one is compared, so that many of either do not take long.
const MAX_COMPARED: usize = 1000;

/// Warns of such names in a domain whose files have been put together.
pub(super) fn warn(domain: &DomainSpec, warnings: &mut Diagnostics) {
    let mut names = HashSet::default();
    visit(&domain.descriptors, &mut |_, limit| names.extend(limit.name.as_deref()));
    let mut compared = names.iter().copied().take(MAX_COMPARED).collect::<Vec<_>>();
    compared.sort_unstable();
    visit(&domain.descriptors, &mut |descriptor, limit| {
        for name in limit.replaces.iter().filter(|name| !names.contains(name.as_str())) {
            warnings.push(unknown(&domain.name, descriptor, name, &compared));
        }
    });
}

fn visit<'d>(level: &'d [DescriptorSpec], look: &mut impl FnMut(&'d DescriptorSpec, &'d LimitSpec)) {
    for descriptor in level {
        descriptor.limits().for_each(|limit| look(descriptor, limit));
        visit(&descriptor.descriptors, look);
    }
}

fn unknown(domain: &str, descriptor: &DescriptorSpec, name: &str, known: &[&str]) -> Diagnostic {
    let location = &descriptor.location;
    let position = Some(Position { line: location.line, column: location.column });
    let message = format!(
        "`replaces` names {}, and no rule of the domain {} has that name",
        quote(name),
        quote(domain)
    );
    let help = match closest(name, known) {
        Some(meant) => format!("did you mean {}?", quote(meant)),
        None => "write the `rate_limit.name` of another rule of the domain, or leave it out".to_owned(),
    };
    Diagnostic::new(Origin::File { name: location.file.clone(), position }, message)
        .as_warning()
        .with_help(help)
}
