//! Which entries expire when.
//!
//! Windows of one unit all end at the same second, so few expiry times are alive at once: a sorted queue holds one list
//! of entries for each, linked through the entries themselves. A new time is mostly the latest one and the first goes first,
//! so that it is the ends that change; and it keeps its room, so that a counter's new window allocates nothing.

use std::collections::VecDeque;

use crate::storage::table::slots::{Link, Neighbours, SlotId, Slots};

/// The entries of one table in the order in which they expire.
#[derive(Debug, Default)]
pub(super) struct ExpiryIndex {
    lists: VecDeque<List>,
}

/// What expires at one time.
#[derive(Debug, Clone, Copy)]
struct List {
    expires: u64,
    head: Link,
}

impl ExpiryIndex {
    /// Enters an entry under its `expires`.
    pub(super) fn link<V>(&mut self, slots: &mut Slots<V>, id: SlotId) {
        let link = link_to(id);
        let expires = slots.get(id).expires;
        let after = match self.find(expires) {
            Ok(at) => {
                let head = std::mem::replace(&mut self.lists[at].head, link);
                slots.get_mut(id_of(head)).neighbours.before = Some(link);
                Some(head)
            }
            Err(at) => {
                self.lists.insert(at, List { expires, head: link });
                None
            }
        };
        slots.get_mut(id).neighbours = Neighbours { before: None, after };
    }

    /// Takes an entry out; its `expires` must be what it was linked under.
    pub(super) fn unlink<V>(&mut self, slots: &mut Slots<V>, id: SlotId) {
        let slot = slots.get_mut(id);
        let expires = slot.expires;
        let Neighbours { before, after } = std::mem::take(&mut slot.neighbours);
        if let Some(after) = after {
            slots.get_mut(id_of(after)).neighbours.before = before;
        }
        if let Some(before) = before {
            slots.get_mut(id_of(before)).neighbours.after = after;
        } else if let Ok(at) = self.find(expires) {
            match after {
                Some(after) => self.lists[at].head = after,
                None => drop(self.lists.remove(at)),
            }
        }
    }

    /// The entry that expires first, and when.
    pub(super) fn first(&self) -> Option<(u64, SlotId)> {
        self.lists.front().map(|list| (list.expires, id_of(list.head)))
    }

    /// Where the list of this time is, or where it belongs.
    fn find(&self, expires: u64) -> Result<usize, usize> {
        self.lists.binary_search_by_key(&expires, |list| list.expires)
    }
}

fn link_to(id: SlotId) -> Link {
    Link::MIN.saturating_add(id)
}

fn id_of(link: Link) -> SlotId {
    link.get() - 1
}
