//! `store` and `local`: where counts live.

use serde::Serialize;

use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};

/// Some 100 GB of counters; nobody means more.
const MAX_ENTRIES: u32 = 1_000_000_000;

/// Where counts live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// In this process: one replica, nothing else to run.
    #[default]
    Local,
    /// In Redis, shared by all replicas.
    Redis,
}

/// The store in this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Local {
    /// Counters that are kept at a time; beyond, the ones with the fewest hits are dropped.
    pub max_entries: u32,
}

impl Default for Local {
    fn default() -> Self {
        Self { max_entries: 1_000_000 }
    }
}

impl Section for Local {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "max_entries" => put(&mut self.max_entries, decoder.whole(field, 1..=MAX_ENTRIES)),
            _ => Known::No,
        }
    }
}

/// Reads the kind of store.
pub(super) fn read(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Store> {
    decoder.choice(field, &[("local", Store::Local), ("redis", Store::Redis)])
}
