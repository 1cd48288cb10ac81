//! Clients of a trusted authority that are not on the list: told once each, as somebody may have forgotten one.

use std::collections::HashSet;

use ahash::RandomState;
use parking_lot::Mutex;

use super::names::PresentedNames;

/// How many are told of. Whoever has an authority sign more of them can only fill their own logs.
const MAX_TOLD: usize = 64;

/// The names in a line of the log at the most, in characters; a certificate may have thousands.
const MAX_NAMES: usize = 512;

/// Whom was told of.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashSet<PresentedNames, RandomState>>);

impl Strangers {
    /// Tells of a client that was not let in.
    pub(super) fn tell(&self, names: PresentedNames) {
        let text: String = names.to_string().escape_debug().take(MAX_NAMES).collect();
        if self.is_new(names) {
            tracing::warn!(
                names = text,
                "a client was refused: no name of its certificate is in grpc.tls.allowed_names"
            );
        }
    }

    fn is_new(&self, names: PresentedNames) -> bool {
        let mut told = self.0.lock();
        told.len() < MAX_TOLD && told.insert(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_and_not_too_many() {
        let strangers = Strangers::default();
        let new =
            |name: usize| strangers.is_new(PresentedNames { dns: vec![name.to_string()], uris: Vec::new() });
        assert_eq!([new(0), new(0), new(1)], [true, false, true]);
        assert_eq!((2..1_000).filter(|name| new(*name)).count(), MAX_TOLD - 2);
    }
}
