//! A whole decision with the local store, without a wire.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ratekeeper::decision::plan::Modes;
use ratekeeper::decision::request::{Descriptor, Entry, Hits, Request};
use ratekeeper::decision::time::Timestamp;
use ratekeeper::service::{Asker, Limiter, ManualClock, Rulebook};
use ratekeeper::storage::local::{LocalSettings, LocalStore};

use super::matching::{DOMAIN, compile, descriptor};
use super::{Case, Make};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const KEYS: [&str; 4] = ["remote_address", "path", "user", "tenant"];
const VALUES: usize = 64;

pub(super) const CASES: &[Make] = &[|| decide(1), || decide(4)];

fn decide(descriptors: usize) -> Case {
    let limiter = limiter();
    let values: Vec<String> = (0..VALUES).map(|value| format!("value-{value:02}")).collect();
    let mut turn = 0;
    Case::new(format!("decide {descriptors} descriptors, local store"), 1_024, move || {
        let value = values[turn % VALUES].as_bytes();
        turn += 1;
        let one = |key: &&'static str| Descriptor {
            entries: smallvec::smallvec![Entry { key: key.as_bytes(), value }],
            limit_override: None,
            hits: Hits::Take(1),
        };
        let request =
            Request { domain: DOMAIN, descriptors: KEYS.iter().take(descriptors).map(one).collect() };
        let denied = now_or_never(limiter.decide(&request, Asker::default(), |verdict| verdict.denied));
        assert!(matches!(denied, Some(Ok(false))));
    })
}

pub(super) fn limiter() -> Limiter<LocalStore, ManualClock> {
    let rulebook = Arc::new(Rulebook::new());
    rulebook.publish(compile(KEYS.iter().map(|key| descriptor(key, None))), "bench", NOW);
    let store = LocalStore::new(LocalSettings { max_entries: 100_000 });
    Limiter::new(rulebook, store, ManualClock::at(NOW), Modes { near_limit_ratio: 0.8, ..Modes::default() })
}

/// What the future gives, where it has nothing to wait for.
pub(super) fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
