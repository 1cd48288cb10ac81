//! Which entries expire when.
//!
//! Windows of one unit all end at the same second, so few expiry times are alive at once: an ordered map holds one list
//! of entries for each, linked through the entries themselves.

use std::collections::BTreeMap;

use crate::storage::table::slots::{Link, Neighbours, SlotId, Slots};

/// The entries of one table in the order in which they expire.
#[derive(Debug, Default)]
pub(super) struct ExpiryIndex {
    heads: BTreeMap<u64, Link>,
}

impl ExpiryIndex {
    /// Enters an entry under its `expires`.
    pub(super) fn link<V>(&mut self, slots: &mut Slots<V>, id: SlotId) {
        let link = link_to(id);
        let head = self.heads.insert(slots.get(id).expires, link);
        if let Some(head) = head {
            slots.get_mut(id_of(head)).neighbours.before = Some(link);
        }
        slots.get_mut(id).neighbours = Neighbours { before: None, after: head };
    }

    /// Takes an entry out; its `expires` must be what it was linked under.
    pub(super) fn unlink<V>(&mut self, slots: &mut Slots<V>, id: SlotId) {
        let slot = slots.get_mut(id);
        let expires = slot.expires;
        let Neighbours { before, after } = std::mem::take(&mut slot.neighbours);
        if let Some(after) = after {
            slots.get_mut(id_of(after)).neighbours.before = before;
        }
        match (before, after) {
            (Some(before), after) => slots.get_mut(id_of(before)).neighbours.after = after,
            (None, Some(after)) => drop(self.heads.insert(expires, after)),
            (None, None) => drop(self.heads.remove(&expires)),
        }
    }

    /// The entry that expires first, and when.
    pub(super) fn first(&self) -> Option<(u64, SlotId)> {
        self.heads.first_key_value().map(|(&expires, &head)| (expires, id_of(head)))
    }
}

fn link_to(id: SlotId) -> Link {
    Link::MIN.saturating_add(id)
}

fn id_of(link: Link) -> SlotId {
    link.get() - 1
}
