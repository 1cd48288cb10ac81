//! The environment variables of OpenTelemetry's specification.
//!
//! They stand below every other layer: they say what nobody wrote into the settings. Other programs of a machine are given the
//! same ones, so that a value which we do not know is told and left alone instead of being a fault; that is the
//! specification's will, too. What holds secrets is not read here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use super::tracing::{Tracing, TracingProtocol, endpoint_fault};

/// Queues that somebody might want; beyond, memory would not be bounded by anything.
const MAX_QUEUE: usize = 65_536;

/// What only the standard variables say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardTracing {
    /// Nothing is recorded, whatever the settings say (`OTEL_SDK_DISABLED`).
    pub disabled: bool,
    /// Whether the caller's decision counts (`OTEL_TRACES_SAMPLER`).
    pub heeds_caller: bool,
    /// The forms of context that are read (`OTEL_PROPAGATORS`).
    pub propagators: Propagators,
    /// Spans that may wait (`OTEL_BSP_MAX_QUEUE_SIZE`).
    pub max_queue: usize,
    /// Spans that are exported together (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
    pub max_batch: usize,
    /// How long a span waits for others (`OTEL_BSP_SCHEDULE_DELAY`).
    pub delay: Duration,
    /// How long an export may take (`OTEL_BSP_EXPORT_TIMEOUT`).
    pub export_timeout: Duration,
    /// How long one export may take with all that is tried again (`OTEL_EXPORTER_OTLP_TIMEOUT`).
    pub timeout: Duration,
    /// The CA that vouches for the collector (`OTEL_EXPORTER_OTLP_CERTIFICATE`).
    pub certificate: Option<PathBuf>,
    /// Variables that were left alone, and why.
    pub ignored: Vec<String>,
}

/// The forms of context that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Propagators {
    /// W3C Trace Context.
    pub tracecontext: bool,
    /// B3 in one header.
    pub b3: bool,
    /// B3 in several headers.
    pub b3multi: bool,
}

impl Default for StandardTracing {
    fn default() -> Self {
        Self {
            disabled: false,
            heeds_caller: true,
            propagators: Propagators { tracecontext: true, b3: true, b3multi: true },
            max_queue: 2_048,
            max_batch: 512,
            delay: Duration::from_secs(5),
            export_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            certificate: None,
            ignored: Vec::new(),
        }
    }
}

/// Variables that are set; an empty one is not, as the specification has it.
struct Variables<'v> {
    set: HashMap<&'v str, &'v str>,
    ignored: Vec<String>,
}

/// Writes what the variables say into settings that nothing else was written into yet.
pub(super) fn read(environment: &[(String, String)], tracing: &mut Tracing) {
    let set = environment.iter().map(|(name, value)| (name.as_str(), value.trim()));
    let set = set.filter(|(name, value)| name.starts_with("OTEL_") && !value.is_empty()).collect();
    let mut variables = Variables { set, ignored: Vec::new() };
    variables.read_collector(tracing);
    variables.read_sampler(tracing);
    variables.read_name(tracing);
    variables.read_batches(&mut tracing.standard);
    variables.read_propagators(&mut tracing.standard.propagators);
    tracing.standard.disabled = variables.is_true("OTEL_SDK_DISABLED");
    tracing.standard.ignored = variables.ignored;
}

impl<'v> Variables<'v> {
    fn get(&self, name: &str) -> Option<&'v str> {
        self.set.get(name).copied()
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn ignore(&mut self, name: &str, why: &str) {
        self.ignored.push(format!("{name} {why}"));
    }

    fn read_collector(&mut self, tracing: &mut Tracing) {
        for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
            match self.get(name) {
                None => {}
                Some("grpc") => tracing.protocol = TracingProtocol::Grpc,
                Some("http/protobuf") => tracing.protocol = TracingProtocol::Http,
                Some(_) => self.ignore(name, "is neither grpc nor http/protobuf"),
            }
        }
        match self.get("OTEL_TRACES_EXPORTER") {
            None | Some("otlp") => {}
            Some("none") => return,
            Some(_) => {
                return self.ignore("OTEL_TRACES_EXPORTER", "is neither otlp nor none: nothing is exported");
            }
        }
        // Over HTTP the general one is where the paths of all signals begin.
        let http = tracing.protocol == TracingProtocol::Http;
        let with_path = |base: &str| match http {
            true => format!("{}/v1/traces", base.trim_end_matches('/')),
            false => base.to_owned(),
        };
        self.read_endpoint("OTEL_EXPORTER_OTLP_ENDPOINT", tracing, with_path);
        self.read_endpoint("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", tracing, str::to_owned);
    }

    fn read_endpoint(&mut self, name: &str, tracing: &mut Tracing, whole: impl Fn(&str) -> String) {
        let Some(url) = self.get(name) else { return };
        match endpoint_fault(url) {
            None => tracing.endpoint = whole(url),
            Some(fault) => self.ignore(name, fault),
        }
    }

    fn read_sampler(&mut self, tracing: &mut Tracing) {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let Some(sampler) = self.get(NAME) else { return };
        let root = sampler.strip_prefix("parentbased_");
        let ratio = match root.unwrap_or(sampler) {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => self.sampler_ratio(),
            _ => return self.ignore(NAME, "is no sampler that we know"),
        };
        tracing.standard.heeds_caller = root.is_some();
        tracing.sample_ratio = ratio;
    }

    fn sampler_ratio(&mut self) -> f64 {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = self.get(NAME) else { return 1.0 };
        let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.unwrap_or_else(|| {
            self.ignore(NAME, "is no number from 0 to 1: all requests are recorded");
            1.0
        })
    }

    fn read_name(&mut self, tracing: &mut Tracing) {
        let attributes = self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let pairs = attributes.split(',').filter_map(|pair| pair.split_once('='));
        let named =
            pairs.filter(|(key, _)| key.trim() == "service.name").map(|(_, name)| name.trim()).next_back();
        if let Some(name) = self.get("OTEL_SERVICE_NAME").or(named) {
            name.clone_into(&mut tracing.service_name);
        }
    }

    fn read_batches(&mut self, standard: &mut StandardTracing) {
        let number = |variables: &mut Self, name: &str, default: usize, most: usize| {
            let Some(text) = variables.get(name) else { return default };
            let number = text.parse().ok().filter(|number| (1..=most).contains(number));
            number.unwrap_or_else(|| {
                variables.ignore(name, "is no number that we take");
                default
            })
        };
        let millis = |variables: &mut Self, name: &str, default: Duration| {
            let default = usize::try_from(default.as_millis()).unwrap_or(usize::MAX);
            Duration::from_millis(number(variables, name, default, 3_600_000) as u64)
        };
        standard.max_queue = number(self, "OTEL_BSP_MAX_QUEUE_SIZE", standard.max_queue, MAX_QUEUE);
        let batch = number(self, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", standard.max_batch, MAX_QUEUE);
        standard.max_batch = batch.min(standard.max_queue);
        standard.delay = millis(self, "OTEL_BSP_SCHEDULE_DELAY", standard.delay);
        standard.export_timeout = millis(self, "OTEL_BSP_EXPORT_TIMEOUT", standard.export_timeout);
        for name in ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] {
            standard.timeout = millis(self, name, standard.timeout);
        }
        let certificate = self.get("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE");
        standard.certificate = certificate.or(self.get("OTEL_EXPORTER_OTLP_CERTIFICATE")).map(PathBuf::from);
    }

    fn read_propagators(&mut self, propagators: &mut Propagators) {
        let Some(names) = self.get("OTEL_PROPAGATORS") else { return };
        *propagators = Propagators { tracecontext: false, b3: false, b3multi: false };
        for name in names.split(',').map(str::trim) {
            match name {
                "tracecontext" => propagators.tracecontext = true,
                "b3" => propagators.b3 = true,
                "b3multi" => propagators.b3multi = true,
                // Nothing of it is of use here, or wanted.
                "baggage" | "none" | "" => {}
                _ => self.ignore("OTEL_PROPAGATORS", "names a form of context that we do not read"),
            }
        }
    }
}
