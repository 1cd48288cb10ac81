//! The settings of the server: one documented file, environment variables over it, command-line flags over those.
//!
//! Every layer is read by the same code, so that a bad value gets the same words wherever it was written. What a
//! setting does belongs to the layer that `app` gives it to; what it may be is decided here.

mod address;
mod breaker;
mod contradiction;
mod counting;
mod decision_log;
mod drain;
mod environment;
mod fallback;
mod grpc;
mod grpc_tls;
mod header;
mod listen;
mod log;
mod metrics;
mod names;
mod otel;
mod over_limit_memory;
mod overlay;
mod quantity;
mod redis_credentials;
mod redis_store;
mod redis_tls;
mod redis_url;
mod request;
mod response;
mod rules;
mod section;
mod store;
#[cfg(test)]
mod tests;
mod topology;
mod tracing;

use serde::Serialize;

use crate::config::decode::{Decoder, Field, Path, Source};
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::source::SourceFile;
use crate::config::yaml::{self, Reading, Span};
use contradiction::Contradiction;
use section::{Known, Section, put, read_fields, read_section};

pub use address::Address;
pub use breaker::Breaker;
pub use counting::{Counting, DeniedRequests};
pub use decision_log::DecisionLog;
pub use drain::Drain;
pub use fallback::{Fallback, Replicas};
pub use grpc::Grpc;
pub use grpc_tls::{AllowedName, ClientCertificate, GrpcTls};
pub use listen::{Listen, UnixMode};
pub use log::{Format, Log};
pub use metrics::{Metrics, Statsd, StatsdFormat};
pub use otel::{Propagators, StandardTracing};
pub use over_limit_memory::OverLimitMemory;
pub use overlay::{Given, Override};
pub use quantity::read_duration;
pub use redis_credentials::RedisCredentials;
pub use redis_store::{PerSecond, Redis};
pub use redis_tls::RedisTls;
pub use redis_url::{RedisEndpoint, RedisUrl, Secret};
pub use request::Request;
pub use response::{Headers, Response};
pub use rules::Rules;
pub use store::{Local, Store};
pub use topology::Topology;
pub use tracing::{Tracing, TracingProtocol};

/// The most threads that can be asked for.
const MAX_THREADS: u16 = 1024;

/// Every setting; the default is what is in force without a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Settings {
    /// Where the rules are.
    pub rules: Rules,
    /// What the server listens on.
    pub listen: Listen,
    /// The gRPC server.
    pub grpc: Grpc,
    /// What one request may ask for.
    pub request: Request,
    /// How hits are counted.
    pub counting: Counting,
    /// What answers carry beside the verdict.
    pub response: Response,
    /// No request is denied, whatever the rules say; statuses still tell.
    pub shadow_mode: bool,
    /// Every descriptor is in quota mode.
    pub quota_mode: bool,
    /// Where counts live.
    pub store: Store,
    /// The store in this process.
    pub local: Local,
    /// The store that replicas share.
    pub redis: Redis,
    /// The same for limits per second, where they are counted apart.
    pub redis_per_second: PerSecond,
    /// When that store is taken for lost.
    pub breaker: Breaker,
    /// What decides meanwhile.
    pub fallback: Fallback,
    /// What is remembered of keys that are over.
    pub over_limit_memory: OverLimitMemory,
    /// How the server leaves.
    pub drain: Drain,
    /// What is written of decisions.
    pub decision_log: DecisionLog,
    /// What of the metrics goes beyond the usual.
    pub metrics: Metrics,
    /// What the server says of itself.
    pub log: Log,
    /// What is recorded for OpenTelemetry.
    pub tracing: Tracing,
    /// Threads that serve; 0 is one for each core.
    pub threads: u16,
}

/// The settings that a file, the environment and flags add up to.
///
/// `environment` may hold any variables; those that do not begin with `RATEKEEPER_` are no business of ours, but for those of
/// OpenTelemetry, which stand below the file.
///
/// # Errors
///
/// Every fault of the file, then of the variables in the order of their names, then of the flags, then what they say
/// against each other.
pub fn load(
    file: Option<&SourceFile>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &[Override],
) -> Result<Settings, Diagnostics> {
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let mut settings = Settings::default();
    otel::read(&environment, &mut settings.tracing);
    let mut faults = Diagnostics::new();
    let written = file.map(|file| {
        let places = settings.read_file(file, &mut faults);
        faults.sort_by_position();
        Written { file, places, settings: settings.clone() }
    });
    environment::read(environment, &mut settings, &mut faults);
    for over in overrides {
        over.apply(&mut settings, &mut faults);
    }
    settings.check(written.as_ref(), &mut faults);
    faults.or(settings)
}

/// What the file said, for faults that are found when all layers are read.
struct Written<'f> {
    file: &'f SourceFile,
    places: Places,
    settings: Settings,
}

/// Where the file has settings that others may contradict.
#[derive(Default)]
struct Places {
    urls: Option<Span>,
    urls_per_second: Option<Span>,
    max_backoff: Option<Span>,
}

impl Settings {
    fn read_file(&mut self, file: &SourceFile, faults: &mut Diagnostics) -> Places {
        // A file of nothing but comments is a way to write the defaults.
        let Reading::Tree(root) = yaml::read(file, faults) else { return Places::default() };
        read_fields(&mut Decoder::new(Source::File(file), faults), &root, &Path::Root, self);
        let place = |section, name| root.find(section)?.find(name).map(|node| node.span);
        Places {
            urls: place("redis", "urls"),
            urls_per_second: place("redis_per_second", "urls"),
            max_backoff: place("breaker", "max_backoff"),
        }
    }

    /// Reports settings that do not go together, at their place in the file where nothing else had a say.
    fn check(&self, written: Option<&Written<'_>>, faults: &mut Diagnostics) {
        let mut report = |path: &str, found: Contradiction, place: Option<(&SourceFile, Span)>| {
            let fault = match place {
                Some((file, span)) => Diagnostic::in_file(file, span, found.message).with_path(path),
                None => Diagnostic::of_file(path, found.message),
            };
            faults.push(fault.with_help(found.help));
        };
        if let Some(found) = self.redis.contradiction() {
            let place = written.filter(|written| written.settings.redis == self.redis);
            let place = place.and_then(|written| Some((written.file, written.places.urls?)));
            report("redis.urls", found, place);
        }
        if let Some(found) = self.redis_per_second.contradiction() {
            let place = written.filter(|written| written.settings.redis_per_second == self.redis_per_second);
            let place = place.and_then(|written| Some((written.file, written.places.urls_per_second?)));
            report("redis_per_second.urls", found, place);
        }
        let stores = [("redis", Some(&self.redis)), ("redis_per_second", self.redis_per_second.store())];
        for (section, store) in stores {
            if let Some((name, found)) = store.and_then(Redis::access_contradiction) {
                report(&format!("{section}.{name}"), found, None);
            }
        }
        if let Some((name, found)) = self.grpc.tls.contradiction() {
            report(&format!("grpc.tls.{name}"), found, None);
        }
        if let Some(found) = self.decision_log.contradiction() {
            report("decision_log.output", found, None);
        }
        if let Some(found) = self.breaker.contradiction() {
            let place = written.filter(|written| written.settings.breaker == self.breaker);
            let place = place.and_then(|written| Some((written.file, written.places.max_backoff?)));
            report("breaker.max_backoff", found, place);
        }
    }
}

impl Section for Settings {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "rules" => read_section(decoder, field, &mut self.rules),
            "listen" => read_section(decoder, field, &mut self.listen),
            "grpc" => read_section(decoder, field, &mut self.grpc),
            "request" => read_section(decoder, field, &mut self.request),
            "counting" => read_section(decoder, field, &mut self.counting),
            "response" => read_section(decoder, field, &mut self.response),
            "shadow_mode" => put(&mut self.shadow_mode, decoder.truth(field)),
            "quota_mode" => put(&mut self.quota_mode, decoder.truth(field)),
            "store" => put(&mut self.store, store::read(decoder, field)),
            "local" => read_section(decoder, field, &mut self.local),
            "redis" => read_section(decoder, field, &mut self.redis),
            "redis_per_second" => read_section(decoder, field, &mut self.redis_per_second),
            "breaker" => read_section(decoder, field, &mut self.breaker),
            "fallback" => read_section(decoder, field, &mut self.fallback),
            "over_limit_memory" => read_section(decoder, field, &mut self.over_limit_memory),
            "drain" => read_section(decoder, field, &mut self.drain),
            "decision_log" => read_section(decoder, field, &mut self.decision_log),
            "metrics" => read_section(decoder, field, &mut self.metrics),
            "log" => read_section(decoder, field, &mut self.log),
            "tracing" => read_section(decoder, field, &mut self.tracing),
            "threads" => put(&mut self.threads, decoder.whole(field, 0..=MAX_THREADS)),
            _ => Known::No,
        }
    }
}
