//! `ratekeeper explain`: which rule of these files decides a request, without a server and without counting.
//!
//! The words are those of `/explain` on the admin port. Status 0: a rule decides each descriptor; 1: none does for some; 2: wrong arguments,
//! or rules or settings with faults.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app;
use crate::cli::serve::load_settings;
use crate::cli::tell;
use crate::config::diagnostic::Diagnostics;
use crate::config::files::RuleFiles;
use crate::config::rules::{self, RuleOptions};
use crate::config::settings::Settings;
use crate::decision::rules::RuleSet;
use crate::server::http::admin::explain::Asked;
use crate::server::http::admin::explain::page::ExplainPage;

/// The status where nothing could be explained.
const NOT_EXPLAINED: u8 = 2;

/// What `--help` ends with.
pub const EXAMPLES: &str = "Examples:
  ratekeeper explain -f config/rules --domain hello user=you
  ratekeeper explain -f config/rules --domain hello generic_key=checkout,user=you remote_address=192.0.2.1
  ratekeeper explain --config ratekeeper.yaml --domain hello 'path=/a%2Cb' --format json";

/// The arguments of `ratekeeper explain`. Settings count as they do for `serve`: file, then environment.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The descriptors of one request, each key=value,key=value; % , = and # within them as %25 %2C %3D %23
    #[arg(value_name = "ENTRIES", required = true)]
    descriptors: Vec<String>,

    /// A rule file or a folder of them, as often as wanted; without any, those of the settings (rules.paths)
    #[arg(short = 'f', long = "rules", value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// The settings file: limit_share, modes and key prefixes are told from it
    #[arg(long, value_name = "FILE", env = "RATEKEEPER_CONFIG")]
    config: Option<PathBuf>,

    /// The domain
    #[arg(long)]
    domain: String,

    /// Let files of the same domain add up
    #[arg(long)]
    merge_domains: bool,

    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// How an explanation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One object, as `/explain` has it.
    Json,
}

/// Explains to standard output.
///
/// # Errors
/// Where the result cannot be printed.
pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let page = match explain(args) {
        Ok(page) => page,
        Err(why) => {
            tell(&why);
            return Ok(ExitCode::from(NOT_EXPLAINED));
        }
    };
    let text = match args.format {
        Format::Text => page.text(),
        Format::Json => serde_json::to_string_pretty(&page)? + "\n",
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(if page.has_rules() { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
    }
}

fn explain(args: &ExplainArgs) -> Result<ExplainPage, String> {
    let asked =
        Asked::read(&args.domain, &args.descriptors).map_err(|fault| format!("ratekeeper: {fault}"))?;
    let settings =
        load_settings(args.config.as_deref(), &[]).map_err(in_words("the settings have faults"))?;
    let rules = load_rules(args, &settings)?;
    Ok(asked.explain(&rules, &app::explain_context(&settings)))
}

fn load_rules(args: &ExplainArgs, settings: &Settings) -> Result<RuleSet, String> {
    let options = RuleOptions {
        merge_domains: args.merge_domains || settings.rules.merge_domains,
        allow_empty: settings.rules.allow_empty,
        max_sliding_log: settings.rules.max_sliding_log,
    };
    let paths = if args.rules.is_empty() { &settings.rules.paths } else { &args.rules };
    let read = rules::read(&RuleFiles::new(paths.clone()).read(), options);
    let rules = read.map_err(in_words("the rules have faults"))?;
    RuleSet::compile(&rules.domains).map_err(|fault| format!("ratekeeper: {fault}"))
}

fn in_words(what: &'static str) -> impl Fn(Diagnostics) -> String {
    move |faults| format!("ratekeeper: {what}\n{faults}")
}
