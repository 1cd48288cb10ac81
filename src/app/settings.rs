//! From the settings as a person writes them to those that each layer owns.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::Context as _;

use crate::app::redis_access::RedisAccess;
use crate::config::rules::RuleOptions;
use crate::config::settings::{self, Address, Settings, Topology};
use crate::decision::hit::DeniedRequests;
use crate::decision::plan::Modes;
use crate::server::answer::{AnswerSettings, HeaderNames};
use crate::server::http::admin::explain::Context;
use crate::server::http::admin::explain::page::Places;
use crate::server::question::RequestLimits;
use crate::server::transport::tls::names::AllowedName;
use crate::server::transport::tls::{ClientSettings, Presence, TlsSettings};
use crate::server::transport::{Http2Settings, Lifetime, ListenAddress};
use crate::service::Rulebook;
use crate::service::decision_log::writer::Target;
use crate::service::decision_log::{DecisionLogSettings, Salt};
use crate::service::statistics::Statistics;
use crate::storage::breaker::BreakerSettings;
use crate::storage::ledger::{LedgerSettings, OverMemorySettings};
use crate::storage::local::LocalSettings;
use crate::storage::redis::link::LinkSettings;
use crate::storage::redis::node::{Endpoint, NodeAddress};
use crate::storage::shared::SharedSettings;
use crate::storage::shared::group::GroupSettings;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::shards::Members;
use crate::storage::shared::surveyor::Source;
use crate::telemetry::logs::{LogFormat, LogSettings};
use crate::telemetry::statsd::{Format, Lines, StatsdSettings};
use crate::telemetry::trace::TracerSettings;
use crate::telemetry::trace::caller::Formats;
use crate::telemetry::trace::export::{BatchSettings, Collector, ExportSettings, Protocol};
use crate::telemetry::trace::sampling::Sampling;

/// Where each listener is to be bound.
pub(super) struct Addresses {
    pub(super) grpc: ListenAddress,
    pub(super) http: ListenAddress,
    pub(super) metrics: ListenAddress,
    pub(super) admin: ListenAddress,
}

pub(super) async fn addresses(settings: &Settings) -> anyhow::Result<Addresses> {
    let listen = &settings.listen;
    Ok(Addresses {
        grpc: address("grpc", &listen.grpc).await?,
        http: address("http", &listen.http).await?,
        metrics: address("metrics", &listen.metrics).await?,
        admin: address("admin", &listen.admin).await?,
    })
}

async fn address(name: &str, address: &Address) -> anyhow::Result<ListenAddress> {
    let (host, port) = match address {
        Address::Unix(path) => return Ok(ListenAddress::Unix(path.clone())),
        Address::Tcp { host, port } => (host.as_str(), *port),
    };
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .with_context(|| format!("listen.{name}: the name `{host}` has no address; write an IP address"))?;
    let first: Option<SocketAddr> = found.next();
    first.map(ListenAddress::Tcp).with_context(|| format!("listen.{name}: the name `{host}` has no address"))
}

pub(super) fn logs(settings: &Settings) -> LogSettings {
    let format = match settings.log.format {
        settings::Format::Text => LogFormat::Text,
        settings::Format::Json => LogFormat::Json,
    };
    LogSettings { filter: settings.log.level.clone(), format }
}

/// What decides beside the rules, and where counters are.
#[must_use]
pub fn explain_context(settings: &Settings) -> Context {
    let places = match settings.store {
        settings::Store::Local => Places::Local,
        settings::Store::Redis => Places::Redis(
            settings.redis.key_prefix.as_str().into(),
            settings.redis_per_second.store().map(|redis| redis.key_prefix.as_str().into()),
        ),
    };
    Context { modes: modes(settings), places }
}

pub(super) fn rule_options(settings: &Settings) -> RuleOptions {
    let settings::Rules { merge_domains, allow_empty, max_sliding_log, .. } = settings.rules;
    RuleOptions { merge_domains, allow_empty, max_sliding_log }
}

/// The servers of the shared store, in the order of the settings, and how each is named where placement goes by names.
pub(super) fn redis_servers(
    redis: &settings::Redis,
    access: &RedisAccess,
) -> anyhow::Result<Vec<(String, NodeAddress)>> {
    let server = |url: &settings::RedisUrl| {
        let (name, endpoint) = match &url.endpoint {
            settings::RedisEndpoint::Tcp { host, port } => {
                (format!("{host}:{port}/{}", url.database), Endpoint::Tcp(host.clone(), *port))
            }
            settings::RedisEndpoint::Unix(path) => {
                (format!("{}/{}", path.display(), url.database), Endpoint::Unix(path.clone()))
            }
        };
        let identity = access.identity(redis, url);
        let address = NodeAddress::new(endpoint, &identity).with_context(|| format!("redis.urls: {url}"))?;
        Ok((name, address))
    };
    redis.urls.iter().map(server).collect()
}

/// A group of shards of the shared store, by this name, and who tells which servers they are, where that may change.
pub(super) fn redis_group(
    name: &'static str,
    redis: &settings::Redis,
    access: &RedisAccess,
) -> anyhow::Result<(Members, Option<Source>)> {
    let (names, servers): (Vec<String>, Vec<_>) = redis_servers(redis, access)?.into_iter().unzip();
    let (placement, addresses, source) = match redis.topology {
        Topology::Single => (Placement::Single, servers, None),
        Topology::Proxy => (Placement::Proxy, servers, None),
        Topology::Ring => (Placement::ring(&names), servers, None),
        Topology::Cluster => {
            let source = Source::Cluster { seeds: servers.clone() };
            (Placement::cluster(&redis.key_prefix), servers, Some(source))
        }
        Topology::Sentinel => {
            let master = redis.sentinel_master.clone();
            let unknown = NodeAddress::new(Endpoint::NotKnownYet, &access.behind_sentinels())?;
            let source = Source::Sentinel { sentinels: servers, master, servers: unknown.clone() };
            (Placement::Single, vec![unknown], Some(source))
        }
    };
    let link = LinkSettings {
        key_prefix: redis.key_prefix.as_str().into(),
        connect_timeout: redis.connect_timeout,
        // A caller's deadline may be a little shorter than the budget, for the way back.
        patience: redis.timeout.mul_f64(0.75),
        ..LinkSettings::default()
    };
    let settings = GroupSettings { name, timeout: redis.timeout, link };
    Ok((Members { settings, placement, addresses }, source))
}

pub(super) fn shared_store(settings: &Settings) -> SharedSettings {
    SharedSettings {
        breaker: BreakerSettings {
            failures: NonZeroU32::new(settings.breaker.failures).unwrap_or(NonZeroU32::MIN),
            backoff: settings.breaker.backoff,
            max_backoff: settings.breaker.max_backoff,
        },
        ledger: LedgerSettings {
            max_entries: settings.local.max_entries as usize,
            over: OverMemorySettings {
                max_entries: settings.over_limit_memory.max_entries as usize,
                max_age: settings.over_limit_memory.max_age,
            },
        },
        replicas: match settings.fallback.replicas {
            settings::Replicas::Auto => None,
            settings::Replicas::Fixed(replicas) => Some(replicas),
        },
    }
}

pub(super) fn local_store(settings: &Settings) -> LocalSettings {
    LocalSettings { max_entries: settings.local.max_entries as usize }
}

#[expect(clippy::cast_possible_truncation, reason = "thresholds are defined in single precision")]
pub(super) fn modes(settings: &Settings) -> Modes {
    Modes {
        shadow_mode: settings.shadow_mode,
        quota_mode: settings.quota_mode,
        denied_requests: match settings.counting.denied_requests {
            settings::DeniedRequests::Count => DeniedRequests::Count,
            settings::DeniedRequests::Ignore => DeniedRequests::Ignore,
        },
        on_store_failure: settings.fallback.on_store_failure,
        limit_share: settings.counting.limit_share,
        near_limit_ratio: settings.counting.near_limit_ratio as f32,
    }
}

/// The place of the rules, with upstream's statistics where they are wanted.
pub(super) fn rulebook(settings: &Settings) -> Rulebook {
    let metrics = &settings.metrics;
    if metrics.upstream_names {
        Rulebook::with_statistics(Arc::new(Statistics::new(metrics.max_label_values as usize)))
    } else {
        Rulebook::new()
    }
}

/// Where figures are sent, if anywhere.
pub(super) fn statsd(settings: &Settings) -> Option<StatsdSettings> {
    let statsd = &settings.metrics.statsd;
    let Some(Address::Tcp { host, port }) = &statsd.address else { return None };
    let format = match statsd.format {
        settings::StatsdFormat::Statsd => Format::Statsd,
        settings::StatsdFormat::DogStatsd => Format::DogStatsd,
    };
    let lines = Lines { format, tags: statsd.tags.clone() };
    Some(StatsdSettings { host: host.clone(), port: *port, lines, flush_interval: statsd.flush_interval })
}

pub(super) fn request_limits(settings: &Settings) -> RequestLimits {
    RequestLimits {
        max_descriptors: settings.request.max_descriptors as usize,
        max_entries: usize::from(settings.request.max_entries),
        max_hits: settings.request.max_hits,
    }
}

pub(super) fn answers(settings: &Settings) -> AnswerSettings {
    let headers = &settings.response.headers;
    AnswerSettings {
        headers: headers.enabled.then(|| HeaderNames {
            limit: headers.limit.clone(),
            remaining: headers.remaining.clone(),
            reset: headers.reset.clone(),
            policy: headers.policy.clone(),
        }),
        dynamic_metadata: settings.response.dynamic_metadata,
        rule_metadata: settings.response.rule_metadata,
    }
}

/// What the decision log does and where it writes, if there is one.
pub(super) fn decision_log(settings: &Settings) -> Option<(DecisionLogSettings, Salt, Target)> {
    let log = &settings.decision_log;
    let target = match log.output.as_str() {
        "" => return None,
        "stdout" => Target::Stdout,
        path => Target::File(path.into()),
    };
    let salt = log.hash_secret.as_ref().map_or_else(Salt::random, |secret| Salt::of(secret.expose()));
    let settings = DecisionLogSettings {
        outcomes: log.outcomes.iter().copied().collect(),
        sample_ratio: log.sample_ratio,
        max_per_second: log.max_per_second,
        hash: log.hash.clone(),
        drop: log.drop.clone(),
    };
    Some((settings, salt, target))
}

pub(super) fn http2(settings: &Settings) -> Http2Settings {
    let (grpc, defaults) = (&settings.grpc, Http2Settings::default());
    Http2Settings {
        cores: usize::from(settings.threads).try_into().ok(),
        max_connections: grpc.max_connections as usize,
        handshake_timeout: grpc.handshake_timeout,
        max_concurrent_streams: grpc.max_concurrent_streams,
        // Room for a few messages of the largest size, or none of them could be taken at times.
        max_buffered_bytes: defaults.max_buffered_bytes.max(4 * grpc.max_request_bytes as usize),
        keep_alive_interval: Some(grpc.keepalive_interval),
        keep_alive_timeout: grpc.keepalive_timeout,
        lifetime: Lifetime { max_age: Some(grpc.max_connection_age), grace: grpc.max_connection_age_grace },
        ..defaults
    }
}

/// How connections of the gRPC port are made secret; nothing where they are in plain text.
#[must_use]
pub fn grpc_tls(settings: &Settings) -> Option<TlsSettings> {
    let tls = &settings.grpc.tls;
    let (certificate, key) = tls.certificate.clone().zip(tls.key.clone())?;
    let presence = match tls.client_certificate {
        settings::ClientCertificate::Required => Presence::Required,
        settings::ClientCertificate::Optional => Presence::Optional,
    };
    let allowed = tls.allowed_names.iter().cloned().map(|name| match name {
        settings::AllowedName::Dns(name) => AllowedName::Dns(name),
        settings::AllowedName::Uri(uri) => AllowedName::Uri(uri),
        settings::AllowedName::SpiffeBelow(id) => AllowedName::SpiffeBelow(id),
    });
    let clients = tls.client_ca.clone().map(|ca| ClientSettings { ca, presence, allowed: allowed.collect() });
    Some(TlsSettings { certificate, key, clients })
}

/// What is recorded, and where it goes; nothing where no collector is named.
pub(super) fn traces(settings: &Settings) -> Option<(TracerSettings, ExportSettings)> {
    let tracing = &settings.tracing;
    let standard = &tracing.standard;
    if standard.disabled || tracing.endpoint.is_empty() {
        return None;
    }
    let (ratio, forms) = (tracing.sample_ratio, standard.propagators);
    let recorded = TracerSettings {
        sampling: if standard.heeds_caller { Sampling::parent_based(ratio) } else { Sampling::of_all(ratio) },
        formats: Formats { w3c: forms.tracecontext, b3: forms.b3, b3_multi: forms.b3multi },
        record_values: tracing.record_values,
    };
    let protocol = match tracing.protocol {
        settings::TracingProtocol::Grpc => Protocol::Grpc,
        settings::TracingProtocol::Http => Protocol::Http,
    };
    let exported = ExportSettings {
        collector: Collector {
            protocol,
            endpoint: tracing.endpoint.clone(),
            ca: standard.certificate.clone(),
            timeout: standard.timeout,
        },
        service_name: tracing.service_name.clone(),
        batches: BatchSettings {
            max_queue: standard.max_queue,
            max_batch: standard.max_batch,
            delay: standard.delay,
            export_timeout: standard.export_timeout,
        },
    };
    Some((recorded, exported))
}

/// The settings in force as `/config` shows them. Secrets among them are masked where they are serialized.
pub(super) fn effective(settings: &Settings) -> anyhow::Result<Arc<str>> {
    let text = serde_json::to_string_pretty(settings).context("the settings cannot be shown")?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Given, Override};
    use crate::telemetry::logs::levels::Levels;

    #[test]
    fn the_transport_has_the_defaults_of_the_settings_file() {
        assert_eq!(http2(&Settings::default()), Http2Settings::default());
    }

    /// Two readers read levels: that of the settings, which shows a fault's place, and that of `PUT /log`.
    #[test]
    fn levels_are_read_alike_from_settings_and_at_run_time() {
        for text in [
            "info",
            "OFF",
            "info,ratekeeper::server=debug",
            "info, h2=warn",
            "loud",
            "info,",
            "h2",
            "=info",
            "h2=9",
            "a.b=info",
        ] {
            let path = Override {
                flag: "--log-level".into(),
                path: "log.level".into(),
                value: Given::One(text.into()),
            };
            let configured = settings::load(None, [], &[path]);
            assert_eq!(configured.is_ok(), text.parse::<Levels>().is_ok(), "{text}");
        }
    }

    #[test]
    fn there_is_room_for_a_few_messages_of_the_largest_size() {
        let mut settings = Settings::default();
        settings.grpc.max_request_bytes = 64 << 20;
        assert_eq!(http2(&settings).max_buffered_bytes, 256 << 20);
    }
}
