//! The store of the process: which one, each thread's way to it, and the tasks that keep it.

use std::sync::Arc;

use ahash::RandomState;
use prometheus_client::registry::Registry;

use crate::app::lifecycle::Tasks;
use crate::app::redis_access::RedisAccess;
use crate::app::{settings, sweep};
use crate::config::settings::{Settings, Store as Kind, Topology};
use crate::service::{Clock, SystemClock};
use crate::storage::Store;
use crate::storage::local::LocalStore;
use crate::storage::local::metrics::LocalStoreMetrics;
use crate::storage::redis::watched::watch;
use crate::storage::shared::SharedStore;
use crate::storage::shared::keepers::{Keepers, Replica};
use crate::storage::shared::metrics::SharedStoreMetrics;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::shards::Shards;
use crate::storage::shared::surveyor::Surveyor;

/// The counters of the process.
#[derive(Debug, Clone)]
pub(super) enum Counters {
    Local(Arc<LocalStore>),
    Shared { shards: Arc<Shards>, topology: Topology, replica: Replica, access: Arc<RedisAccess> },
}

impl Counters {
    pub(super) fn build(settings: &Settings) -> anyhow::Result<Self> {
        match settings.store {
            Kind::Local => Ok(Self::Local(Arc::new(LocalStore::new(settings::local_store(settings))))),
            Kind::Redis => Self::shared(settings),
        }
    }

    fn shared(settings: &Settings) -> anyhow::Result<Self> {
        let shared = settings::shared_store(settings);
        let access = Arc::new(RedisAccess::new(&settings.redis)?);
        let (names, addresses): (Vec<String>, Vec<_>) =
            settings::redis_servers(&settings.redis, &access)?.into_iter().unzip();
        let topology = settings.redis.topology;
        let placement = match topology {
            Topology::Single => Placement::Single,
            Topology::Cluster => Placement::cluster(&settings.redis.key_prefix),
            Topology::Ring => Placement::ring(&names),
        };
        // Two replicas with one number would be one to the others: their shares would be too large.
        let id = RandomState::new().hash_one(SystemClock.now().millis()) >> 1;
        let replica = Replica { id, own_time: Arc::new(|| SystemClock.now()) };
        let shards = Arc::new(Shards::new(addresses, placement, shared));
        Ok(Self::Shared { shards, topology, replica, access })
    }

    /// What the process knows of its shards, where it has any.
    pub(super) fn shards(&self) -> Option<Arc<Shards>> {
        match self {
            Self::Local(_) => None,
            Self::Shared { shards, .. } => Some(Arc::clone(shards)),
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
            Self::Shared { shards, topology, replica, access } => {
                tasks.start("keepers", Keepers::new(shards, replica.clone()).run());
                let files = access.watched();
                if !files.is_empty() {
                    tasks.start("redis files", watch(files));
                }
                if *topology == Topology::Cluster {
                    tasks.start("surveyor", Surveyor::new(shards).run());
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
