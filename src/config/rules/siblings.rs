//! Descriptors of one level that say the same: one of them could never apply.

use ahash::{HashMap, HashMapExt as _};

use crate::decision::rules::spec::DescriptorSpec;

/// What tells a descriptor from its siblings.
pub(super) type Identity<'d> = (&'d str, Option<&'d str>);

/// The identity of a descriptor.
pub(super) fn identity(descriptor: &DescriptorSpec) -> Identity<'_> {
    (&descriptor.key, descriptor.value.as_deref())
}

/// The index of each descriptor that repeats an earlier one, and of that one.
pub(super) fn repeated(descriptors: &[DescriptorSpec]) -> Vec<(usize, usize)> {
    if descriptors.len() < 2 {
        return Vec::new();
    }
    let mut first: HashMap<Identity<'_>, usize> = HashMap::with_capacity(descriptors.len());
    let mut repeated = Vec::new();
    for (index, descriptor) in descriptors.iter().enumerate() {
        match first.get(&identity(descriptor)) {
            Some(earlier) => repeated.push((index, *earlier)),
            None => drop(first.insert(identity(descriptor), index)),
        }
    }
    repeated
}
