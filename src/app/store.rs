//! The store of the process: which one, each thread's way to it, and the tasks that keep it.

use std::sync::Arc;

use ahash::RandomState;
use anyhow::Context;
use prometheus_client::registry::Registry;

use crate::app::lifecycle::Tasks;
use crate::app::{settings, sweep};
use crate::config::settings::{Settings, Store as Kind, Topology};
use crate::service::{Clock, SystemClock};
use crate::storage::Store;
use crate::storage::ledger::ShardId;
use crate::storage::local::LocalStore;
use crate::storage::local::metrics::LocalStoreMetrics;
use crate::storage::shared::Shards;
use crate::storage::shared::keeper::Keeper;
use crate::storage::shared::metrics::SharedStoreMetrics;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::shard::Shard;

/// The counters of the process.
#[derive(Debug, Clone)]
pub(super) enum Counters {
    Local(Arc<LocalStore>),
    Shared { shards: Arc<Shards>, replica: u64 },
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
        let (names, addresses): (Vec<String>, Vec<_>) =
            settings::redis_servers(settings)?.into_iter().unzip();
        let placement = match settings.redis.topology {
            Topology::Single => Placement::Single,
            Topology::Ring => Placement::ring(&names),
        };
        let shard = |(number, address)| Ok(Shard::new(ShardId(u16::try_from(number)?), address, &shared));
        let shards: anyhow::Result<Vec<_>> = addresses.into_iter().enumerate().map(shard).collect();
        // Two replicas with one number would be one to the others: their shares would be too large.
        let replica = RandomState::new().hash_one(SystemClock.now().millis()) >> 1;
        Ok(Self::Shared { shards: Arc::new(Shards::new(shards?, placement, shared)), replica })
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
            Self::Shared { shards, .. } => Store::Shared(shards.open()),
        }
    }

    /// Starts what keeps them.
    pub(super) fn keep(&self, tasks: &mut Tasks) -> anyhow::Result<()> {
        match self {
            Self::Local(store) => {
                let store = Arc::clone(store);
                tasks.start("sweep", sweep::run(move || store.sweep(SystemClock.now())));
            }
            Self::Shared { shards, replica } => {
                for number in 0..shards.shards().len() {
                    let keeper = Keeper::new(shards, number, *replica, || SystemClock.now());
                    tasks.start(
                        "keeper",
                        keeper.context("redis.urls: a server cannot be connected to")?.run(),
                    );
                }
                let shards = Arc::clone(shards);
                tasks.start("sweep", sweep::run(move || shards.ledger().sweep(SystemClock.now())));
            }
        }
        Ok(())
    }

    /// Says good-bye to those who share them.
    pub(super) async fn leave(&self) {
        if let Self::Shared { shards, replica } = self {
            for number in 0..shards.shards().len() {
                Keeper::leave(shards, number, *replica).await;
            }
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
