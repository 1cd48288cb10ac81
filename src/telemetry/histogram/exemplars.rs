//! The last traced one of each bucket: from a slow bucket of a histogram to the trace of a request that was that slow.

use std::num::NonZeroU128;
use std::sync::OnceLock;

use parking_lot::Mutex;

/// The id of a trace; W3C calls all zeros invalid.
pub type TraceId = NonZeroU128;

/// One that was observed, and its trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exemplar {
    pub(super) trace: TraceId,
    pub(super) amount: u64,
}

/// Exemplars of all buckets. The lock is met only by requests that are traced, and nothing is held before the first.
#[derive(Debug)]
pub(super) struct Exemplars<const BUCKETS: usize>(OnceLock<Box<Slots<BUCKETS>>>);

type Slots<const BUCKETS: usize> = Mutex<[Option<Exemplar>; BUCKETS]>;

impl<const BUCKETS: usize> Default for Exemplars<BUCKETS> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<const BUCKETS: usize> Exemplars<BUCKETS> {
    /// Takes the place of the one before. Where another thread is at it, that one's will do: nobody waits for an example.
    #[cold]
    pub(super) fn note(&self, bucket: usize, exemplar: Exemplar) {
        let slots = self.0.get_or_init(|| Box::new(Mutex::new([None; BUCKETS])));
        if let Some(mut slots) = slots.try_lock() {
            slots[bucket] = Some(exemplar);
        }
    }

    /// What there is now.
    pub(super) fn read(&self) -> [Option<Exemplar>; BUCKETS] {
        self.0.get().map_or([None; BUCKETS], |slots| *slots.lock())
    }
}
