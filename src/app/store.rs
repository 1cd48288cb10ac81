//! The store of the process: which one, each thread's way to it, and the tasks that keep it.

use std::sync::Arc;

use ahash::RandomState;
use prometheus_client::registry::Registry;

use crate::app::lifecycle::Tasks;
use crate::app::redis_access::RedisAccess;
use crate::app::{settings, sweep};
use crate::config::settings::{Redis, Settings, Store as Kind};
use crate::secrets::watched::{Watched, watch};
use crate::service::{Clock, SystemClock};
use crate::storage::Store;
use crate::storage::inspect::Inspected;
use crate::storage::local::LocalStore;
use crate::storage::local::metrics::LocalStoreMetrics;
use crate::storage::shared::SharedStore;
use crate::storage::shared::keepers::{Keepers, Replica};
use crate::storage::shared::metrics::SharedStoreMetrics;
use crate::storage::shared::shards::{Members, Shards};
use crate::storage::shared::surveyor::{Source, Surveyor};
use crate::telemetry::trace::Tracer;

/// The counters of the process.
#[derive(Debug, Clone)]
pub(super) enum Counters {
    Local(Arc<LocalStore>),
    Shared {
        shards: Arc<Shards>,
        /// For each group of shards who tells which servers they are, where that may change.
        sources: Vec<Option<Source>>,
        replica: Replica,
        /// What is made of files that somebody else writes.
        files: Vec<Arc<dyn Watched>>,
    },
}

/// What one section of settings says of the shared store.
struct StorePart {
    members: Members,
    source: Option<Source>,
    files: Vec<Arc<dyn Watched>>,
}

impl StorePart {
    fn new(name: &'static str, redis: &Redis, tracer: &Tracer) -> anyhow::Result<Self> {
        let access = RedisAccess::new(redis)?;
        let (mut members, source) = settings::redis_group(name, redis, &access)?;
        members.settings.link.tracer = tracer.clone();
        Ok(Self { members, source, files: access.watched() })
    }
}

impl Counters {
    pub(super) fn build(settings: &Settings, tracer: &Tracer) -> anyhow::Result<Self> {
        match settings.store {
            Kind::Local => Ok(Self::Local(Arc::new(LocalStore::new(settings::local_store(settings))))),
            Kind::Redis => Self::shared(settings, tracer),
        }
    }

    fn shared(settings: &Settings, tracer: &Tracer) -> anyhow::Result<Self> {
        let part = |name, redis| StorePart::new(name, redis, tracer);
        let main = part("", &settings.redis)?;
        let per_second = settings.redis_per_second.store();
        let per_second = per_second.map(|redis| part("per-second", redis)).transpose()?;
        let (mut sources, mut files) = (vec![main.source], main.files);
        let per_second = per_second.map(|part| {
            sources.push(part.source);
            files.extend(part.files);
            part.members
        });
        let shards = Arc::new(Shards::new(main.members, per_second, settings::shared_store(settings)));
        // Two replicas with one number would be one to the others: their shares would be too large.
        let id = RandomState::new().hash_one(SystemClock.now().millis()) >> 1;
        let replica = Replica { id, own_time: Arc::new(|| SystemClock.now()) };
        Ok(Self::Shared { shards, sources, replica, files })
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
            Self::Shared { shards, sources, replica, files } => {
                tasks.start("keepers", Keepers::new(shards, replica.clone()).run());
                if !files.is_empty() {
                    tasks.start("redis files", watch(files.clone()));
                }
                for (group, source) in shards.groups().zip(sources) {
                    if let Some(source) = source.clone() {
                        tasks.start("surveyor", Surveyor::new(shards, group, source).run());
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
