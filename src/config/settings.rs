//! The settings of the server: one documented file, environment variables over it, command-line flags over those.
//!
//! Every layer is read by the same code, so that a bad value gets the same words wherever it was written. What a
//! setting does belongs to the layer that `app` gives it to; what it may be is decided here.

mod address;
mod choice;
mod counting;
mod drain;
mod environment;
mod grpc;
mod header;
mod listen;
mod log;
mod names;
mod overlay;
mod quantity;
mod request;
mod response;
mod rules;
mod section;
mod store;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::config::decode::{Decoder, Field, Path, Source};
use crate::config::diagnostic::Diagnostics;
use crate::config::source::SourceFile;
use crate::config::yaml::{self, Reading};
use section::{Known, Section, put, read_fields, read_section};

pub use address::Address;
pub use counting::{Counting, DeniedRequests};
pub use drain::Drain;
pub use grpc::Grpc;
pub use listen::Listen;
pub use log::{Format, Log};
pub use overlay::{Given, Override};
pub use request::Request;
pub use response::{Headers, Response};
pub use rules::Rules;
pub use store::{Local, Store};

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
    /// How the server leaves.
    pub drain: Drain,
    /// What the server says of itself.
    pub log: Log,
    /// Threads that serve; 0 is one for each core.
    pub threads: u16,
}

/// The settings that a file, the environment and flags add up to.
///
/// `environment` may hold any variables; those that do not begin with `RATEKEEPER_` are no business of ours.
///
/// # Errors
///
/// Every fault of the file, then of the variables in the order of their names, then of the flags.
pub fn load(
    file: Option<&SourceFile>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &[Override],
) -> Result<Settings, Diagnostics> {
    let mut settings = Settings::default();
    let mut faults = Diagnostics::new();
    if let Some(file) = file {
        settings.read_file(file, &mut faults);
        faults.sort_by_position();
    }
    environment::read(environment, &mut settings, &mut faults);
    for over in overrides {
        over.apply(&mut settings, &mut faults);
    }
    faults.or(settings)
}

impl Settings {
    fn read_file(&mut self, file: &SourceFile, faults: &mut Diagnostics) {
        // A file of nothing but comments is a way to write the defaults.
        if let Reading::Tree(root) = yaml::read(file, faults) {
            read_fields(&mut Decoder::new(Source::File(file), faults), &root, &Path::Root, self);
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
            "drain" => read_section(decoder, field, &mut self.drain),
            "log" => read_section(decoder, field, &mut self.log),
            "threads" => put(&mut self.threads, decoder.whole(field, 0..=MAX_THREADS)),
            _ => Known::No,
        }
    }
}
