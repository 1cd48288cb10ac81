//! Random numbers: cheap ones to decide by, good ones for the ids of what is recorded.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::context::{SpanId, TraceId};

thread_local! {
    /// Seeded by the system for each thread.
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u8));
}

/// A number to decide by (splitmix64): a few instructions, as every request draws one.
pub(super) fn draw() -> u64 {
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// A new trace whose lower half was drawn to decide by; the upper one keeps it apart from those of other processes.
pub(super) fn trace(low: u64) -> TraceId {
    let bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    let high = bytes.first_chunk().map_or(1, |high| u64::from_be_bytes(*high));
    TraceId::new(high.max(1), low).expect("the upper half is not zero")
}

/// A new span.
pub(super) fn span() -> SpanId {
    let number = u64::from_be_bytes(RandomIdGenerator::default().new_span_id().to_bytes());
    SpanId::new(number.max(1)).expect("the number is not zero")
}
