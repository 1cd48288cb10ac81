//! `ratekeeper check`: what `serve` would say of these files, without serving.

mod certificates;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::app;
use crate::cli::serve::load_settings;
use crate::config::diagnostic::Diagnostics;
use crate::config::files::RuleFiles;
use crate::config::rules::{self, RuleOptions, Rules};
use crate::config::settings;

/// The arguments of `ratekeeper check`. Settings count as they do for `serve`: file, then environment.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Rule files, and folders of them; without any, those of the settings (rules.paths)
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The settings file, which is checked too
    #[arg(long, value_name = "FILE", env = "RATEKEEPER_CONFIG")]
    config: Option<PathBuf>,

    /// Let files of the same domain add up
    #[arg(long)]
    merge_domains: bool,

    /// Leave the files of grpc.tls unread, as in a pipeline that has the settings and none of the certificates
    #[arg(long)]
    without_certificates: bool,

    /// How to print faults
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// How faults are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// An array of objects, for editors and pipelines.
    Json,
}

/// What was checked.
#[derive(Debug, Default)]
struct Checked {
    errors: Diagnostics,
    warnings: Diagnostics,
    /// Nothing where they were not looked at.
    rules: Option<CheckedRules>,
    /// What was left out on demand, as the last line tells of it.
    left_out: &'static str,
}

/// What the rules add up to.
#[derive(Debug, Default)]
struct CheckedRules {
    files: usize,
    domains: usize,
}

/// Checks, and prints every fault to standard output: 1 for any that is not a mere warning, else 0.
///
/// # Errors
/// Where nothing can be checked, or the result cannot be printed.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let Checked { errors, warnings, rules, left_out } = check(args)?;
    let failed = !errors.is_empty();
    let mut faults = errors;
    faults.append(warnings);
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&faults)?,
        Format::Text => {
            let (faults, result) = (faults.to_string(), in_words(failed, rules.as_ref(), left_out));
            [faults, result].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
        }
    };
    writeln!(std::io::stdout(), "{text}").context("the result cannot be printed")?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is said behind the faults.
fn in_words(failed: bool, rules: Option<&CheckedRules>, left_out: &str) -> String {
    match rules {
        None => "the rules were not checked: the settings say which, and how".into(),
        Some(_) if failed => String::new(),
        Some(CheckedRules { files, domains }) => {
            format!("no faults (rule files: {files}, domains: {domains}{left_out})")
        }
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<Checked> {
    let mut checked = Checked::default();
    let settings = match load_settings(args.config.as_deref(), &[]) {
        Ok(settings) => settings,
        // By other settings than those that are meant, rules would have other faults than they have.
        Err(faults) => return Ok(Checked { errors: faults, ..checked }),
    };
    if !args.without_certificates {
        certificates::check(&mut checked, &settings, args.config.as_deref())?;
    } else if app::grpc_tls(&settings).is_some() {
        checked.left_out = "; the files of grpc.tls were not read";
    }
    checked.check_rules(args, &settings.rules);
    Ok(checked)
}

impl Checked {
    fn check_rules(&mut self, args: &CheckArgs, settings: &settings::Rules) {
        let merge_domains = args.merge_domains || settings.merge_domains;
        let settings::Rules { allow_empty, max_sliding_log, .. } = *settings;
        let options = RuleOptions { merge_domains, allow_empty, max_sliding_log };
        let paths = if args.paths.is_empty() { &settings.paths } else { &args.paths };
        let sources = RuleFiles::new(paths.clone()).read();
        let mut checked = CheckedRules { files: sources.files.len(), domains: 0 };
        match rules::read(&sources, options) {
            Ok(Rules { domains, warnings }) => {
                checked.domains = domains.len();
                self.warnings.append(warnings);
            }
            Err(faults) => self.errors.append(faults),
        }
        self.rules = Some(checked);
    }
}
