//! The parts that a shared store's keys fall into.

/// Keys that always live together, by number: in a Redis Cluster their hash slot, in a ring the server that they are placed
/// on, and one part for all keys where there is one server. A key's slot never changes; the server that has it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

impl Slot {
    /// The slot as a place in a list that has one entry for each.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}
