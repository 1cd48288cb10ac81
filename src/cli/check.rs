//! `ratekeeper check`: what `serve` would say of these files, without serving.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::serve::load_settings;
use crate::config::diagnostic::Diagnostics;
use crate::config::files::RuleFiles;
use crate::config::rules::{self, RuleOptions, Rules};
use crate::config::settings::Settings;

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
    /// Errors, and warnings after them.
    faults: Diagnostics,
    failed: bool,
    files: usize,
    domains: usize,
}

/// Checks, and prints every fault to standard output: 1 for any that is not a mere warning, else 0.
///
/// # Errors
/// Where the result cannot be printed.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let checked = check(args);
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&checked.faults)? + "\n",
        Format::Text => checked.in_words(),
    };
    std::io::stdout().write_all(text.as_bytes()).context("the result cannot be printed")?;
    Ok(if checked.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Checked {
    fn fail(&mut self, faults: Diagnostics) {
        self.failed = true;
        self.faults.append(faults);
    }

    fn in_words(&self) -> String {
        let gap = if self.faults.is_empty() || self.failed { "" } else { "\n\n" };
        let result = if self.failed {
            String::new()
        } else {
            format!("no faults (rule files: {}, domains: {})", self.files, self.domains)
        };
        format!("{}{gap}{result}\n", self.faults)
    }
}

fn check(args: &CheckArgs) -> Checked {
    let mut checked = Checked::default();
    let settings = load_settings(args.config.as_deref(), &[]).unwrap_or_else(|faults| {
        checked.fail(faults);
        Settings::default()
    });
    let rules = &settings.rules;
    let merge_domains = args.merge_domains || rules.merge_domains;
    let options =
        RuleOptions { merge_domains, allow_empty: rules.allow_empty, max_sliding_log: rules.max_sliding_log };
    let paths = if args.paths.is_empty() { &rules.paths } else { &args.paths };
    check_rules(&mut checked, paths.clone(), options);
    checked
}

fn check_rules(checked: &mut Checked, paths: Vec<PathBuf>, options: RuleOptions) {
    let sources = RuleFiles::new(paths).read();
    checked.files = sources.files.len();
    match rules::read(&sources, options) {
        Ok(Rules { domains, warnings }) => {
            checked.domains = domains.len();
            checked.faults.append(warnings);
        }
        Err(faults) => checked.fail(faults),
    }
}
