//! Rules that can never decide: most of the time they were written behind one that takes everything before them.
//!
//! A warning and no fault: the rules do what they say, and whoever moves one of them may do it in two steps.

use super::descriptor::name;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Origin, Position, quote};
use crate::decision::rules::spec::DomainSpec;
use crate::decision::rules::unreachable::{Unreachable, unreachable};

/// Warns of such rules in a domain whose files have been put together.
pub(super) fn warn(domain: &DomainSpec, warnings: &mut Diagnostics) {
    unreachable(&domain.descriptors).into_iter().for_each(|one| warnings.push(warning(one)));
}

fn warning(Unreachable { descriptor, taken }: Unreachable<'_>) -> Diagnostic {
    let (at, of_taken) = (&descriptor.location, &taken.location);
    let place = match of_taken.file == at.file {
        true => format!("in line {}", of_taken.line),
        false => format!("at {of_taken}"),
    };
    let pattern = quote(taken.value.as_deref().unwrap_or_default());
    let help = match descriptor.value {
        Some(_) => format!(
            "{pattern} {place} stands before it and matches all that it would; put it in front of that one, or take it out"
        ),
        None => format!("{pattern} {place} matches every value and goes before it; take one of the two out"),
    };
    let position = Some(Position { line: at.line, column: at.column });
    Diagnostic::new(
        Origin::File { name: at.file.clone(), position },
        format!("{} is never reached", name(descriptor)),
    )
    .as_warning()
    .with_help(help)
}
