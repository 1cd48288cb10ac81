//! The store of the process: which one, each thread's way to it, and the tasks that keep it.

use std::sync::Arc;

use ahash::RandomState;
use prometheus_client::registry::Registry;

use crate::app::lifecycle::Tasks;
use crate::app::redis_access::RedisAccess;
use crate::app::{settings, sweep};
use crate::config::settings::{Redis, Settings, Store as Kind};
use crate::service::{Clock, SystemClock};
use crate::storage::Store;
use crate::storage::inspect::Inspected;
use crate::storage::local::LocalStore;
use crate::storage::local::metrics::LocalStoreMetrics;
use crate::storage::redis::watched::watch;
use crate::storage::shared::SharedStore;
use crate::storage::shared::keepers::{Keepers, Replica};
use crate::storage::shared::metrics::SharedStoreMetrics;
use crate::storage::shared::shards::{Members, Shards};
use crate::storage::shared::surveyor::{Source, Surveyor};

/// The counters of the process.
#[derive(Debug, Clone)]
pub(super) enum Counters {
    Local(Arc<LocalStore>),
    Shared {
        shards: Arc<Shards>,
        /// What else each group of shards needs.
        supplies: Vec<Supply>,
        replica: Replica,
    },
}

/// What a group of shards needs beside connections.
#[derive(Debug, Clone)]
pub(super) struct Supply {
    /// Who tells which servers they are, where that may change.
    source: Option<Source>,
    /// Who we are to them, and what may change of that.
    access: Arc<RedisAccess>,
}

impl Supply {
    /// A group of shards as the settings have it, and what it needs.
    fn of(name: &'static str, redis: &Redis) -> anyhow::Result<(Members, Self)> {
        let access = Arc::new(RedisAccess::new(redis)?);
        let (members, source) = settings::redis_group(name, redis, &access)?;
        Ok((members, Self { source, access }))
    }
}

impl Counters {
    pub(super) fn build(settings: &Settings) -> anyhow::Result<Self> {
        match settings.store {
            Kind::Local => Ok(Self::Local(Arc::new(LocalStore::new(settings::local_store(settings))))),
            Kind::Redis => Self::shared(settings),
        }
    }

    fn shared(settings: &Settings) -> anyhow::Result<Self> {
        let (main, supply) = Supply::of("", &settings.redis)?;
        let per_second = settings.redis_per_second.store();
        let per_second = per_second.map(|redis| Supply::of("per-second", redis)).transpose()?;
        let (per_second, per_second_supply) = per_second.unzip();
        let shards = Arc::new(Shards::new(main, per_second, settings::shared_store(settings)));
        let supplies = std::iter::once(supply).chain(per_second_supply).collect();
        // Two replicas with one number would be one to the others: their shares would be too large.
        let id = RandomState::new().hash_one(SystemClock.now().millis()) >> 1;
        let replica = Replica { id, own_time: Arc::new(|| SystemClock.now()) };
        Ok(Self::Shared { shards, supplies, replica })
    }

    /// What the process knows of its shards, where it has any.
    pub(super) fn shards(&self) -> Option<Arc<Shards>> {
        match self {
            Self::Local(_) => None,
            Self::Shared { shards, .. } => Some(Arc::clone(shards)),
        }
    }

    /// The counters as operators see them.
    pub(super) fn inspected(&self) -> Inspected {
        match self {
            Self::Local(store) => Inspected::Local(Arc::clone(store)),
            Self::Shared { shards, .. } => Inspected::Shared(Arc::clone(shards)),
        }
    }

    /// One thread's way to the counters; must be called within its runtime.
    pub(super) fn open(&self) -> Store {
        match self {
            Self::Local(store) => Store::Local(Arc::clone(store)),
            Self::Shared { shards, .. } => Store::Shared(SharedStore::open(shards)),
        }
    }

    /// Starts what keeps them.
    pub(super) fn keep(&self, tasks: &mut Tasks) {
        match self {
            Self::Local(store) => {
                let store = Arc::clone(store);
                tasks.start("sweep", sweep::run(move || store.sweep(SystemClock.now())));
            }
            Self::Shared { shards, supplies, replica } => {
                tasks.start("keepers", Keepers::new(shards, replica.clone()).run());
                for (group, supply) in shards.groups().zip(supplies) {
                    if let Some(source) = supply.source.clone() {
                        tasks.start("surveyor", Surveyor::new(shards, group, source).run());
                    }
                    let files = supply.access.watched();
                    if !files.is_empty() {
                        tasks.start("redis files", watch(files));
                    }
                }
                let shards = Arc::clone(shards);
                tasks.start("sweep", sweep::run(move || shards.ledger().sweep(SystemClock.now())));
            }
        }
    }

    /// Says good-bye to those who share them.
    pub(super) async fn leave(&self) {
        if let Self::Shared { shards, replica, .. } = self {
            Keepers::leave(shards, replica).await;
            let unsettled = shards.ledger().figures().unsettled;
            if unsettled > 0 {
                tracing::warn!(
                    unsettled,
                    "ending with counters that no shard was told of: what was admitted is forgotten"
                );
            }
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        match self {
            Self::Local(store) => registry.register_collector(Box::new(LocalStoreMetrics(Arc::clone(store)))),
            Self::Shared { shards, .. } => {
                registry.register_collector(Box::new(SharedStoreMetrics(Arc::clone(shards))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
