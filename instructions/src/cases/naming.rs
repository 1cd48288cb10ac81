//! From a rule and entries to a counter's key: as it is, and hashed where it would be long.

use std::hint::black_box;

use ratekeeper::decision::key::CounterKey;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::Entry;

use super::{Case, Make};

const LONG: &[u8] = &[b'v'; 300];

const THREE: &[Entry<'_>] = &[
    Entry { key: b"tenant", value: b"a-tenant" },
    Entry { key: b"user", value: b"a-user" },
    Entry { key: b"path", value: b"/api/orders/{id}?page=2" },
];

pub(super) const CASES: &[Make] = &[
    || name("name a counter", &[Entry { key: b"remote_address", value: b"10.20.30.40" }]),
    || name("name a counter of 3 entries, one escaped", THREE),
    || name("name a counter, long value hashed", &[Entry { key: b"path", value: LONG }]),
    || name("name a counter, all entries hashed", &[Entry { key: b"an-entry", value: &[b'v'; 60] }; 4]),
];

fn name(name: &str, entries: &'static [Entry<'static>]) -> Case {
    Case::new(name, 100, move || {
        black_box(CounterKey::new("domain", Period::HOUR, black_box(entries).iter().copied()));
    })
}
