//! `ratekeeper counters`: what a running server counts, and letting it begin anew.
//!
//! It asks the server's admin port, because only the server knows its rules, its shards and its own memory; so no credentials of
//! a store are ever on a command line. Status 0: done; 1: not done; 2: wrong arguments; 3: done but for shards that did not answer.

mod admin;
mod listing;
mod table;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use self::admin::Admin;
use self::listing::Listing;
use crate::cli::peer::PeerAddress;
use crate::decision::algorithm::Algorithm;
use crate::decision::period::Period;
use crate::server::http::admin::counters::page::{
    CounterLine, CounterQuery, ListQuery, ResetPage, ResetQuery, UnreadLine,
};

/// The status where a part was not done because a shard did not answer.
const IN_PART: u8 = 3;

/// The arguments of `ratekeeper counters`.
#[derive(Debug, Args)]
pub struct CountersArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the counters that run: algorithm, limit, count, what is left, when the next hit passes, when they are empty again, where they live
    ///
    /// A listing under traffic is no picture of one moment: a counter that comes or goes meanwhile may be listed or not. What
    /// callers chose is shown with %XX for every byte that is not a plain printable character, and # with a hash for what is too long.
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Show one counter, by the entries of a request or by its key
    #[command(after_help = GET_EXAMPLES)]
    Get(GetArgs),
    /// Reset one counter, or all that a filter means: they begin anew, empty
    ///
    /// Other replicas may go on to deny from memory for up to over_limit_memory.max_age (1 s).
    #[command(after_help = RESET_EXAMPLES)]
    Reset(ResetArgs),
}

const LIST_EXAMPLES: &str = "Examples:
  ratekeeper counters list
  ratekeeper counters list --domain demo --prefix user=al
  ratekeeper counters list --algorithm token_bucket
  ratekeeper counters list --rule 'path=/api/*' --limit 0 --json | jq '.counters[] | select(.remaining == 0)'
  ratekeeper counters list --admin unix:/run/ratekeeper/admin.sock";

const GET_EXAMPLES: &str = "Examples:
  ratekeeper counters get --domain demo user=alice
  ratekeeper counters get --domain demo generic_key=checkout,user=alice     (or with a space between them)
  ratekeeper counters get --domain demo --unit hour user=alice              (a limit that requests bring along)
  ratekeeper counters get --key '1|f60|demo|user=alice'";

const RESET_EXAMPLES: &str = "Examples:
  ratekeeper counters reset --domain demo user=alice
  ratekeeper counters reset --key '1|f60|demo|user=alice'
  ratekeeper counters reset --all --rule 'path=/api/*'
  ratekeeper counters reset --all --domain demo --prefix user=al";

/// Whom to ask, and how to print.
#[derive(Debug, Args)]
struct Common {
    /// The server's admin port, as HOST:PORT or unix:/path
    #[arg(long, value_name = "ADDRESS", env = "RATEKEEPER_LISTEN__ADMIN", default_value = "127.0.0.1:6070")]
    admin: PeerAddress,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    common: Common,

    /// Only those of this domain
    #[arg(long)]
    domain: Option<String>,

    /// Only those of the rule with this path, as in /rlconfig and in metrics
    #[arg(long, value_name = "PATH")]
    rule: Option<String>,

    /// Only those whose entries begin so, as they are listed; or whose key does, where it begins as keys do
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,

    /// Only those whose limit is held so
    #[arg(long, value_name = "NAME", value_parser = algorithms())]
    algorithm: Option<String>,

    /// Stop after about so many; 0 lists all
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,

    /// Go on where an earlier listing has stopped
    #[arg(long)]
    cursor: Option<String>,
}

/// One counter.
#[derive(Debug, Clone, Args)]
struct WhichArgs {
    /// The entries of a request: key=value,key=value; % , = and # within them as %25 %2C %3D %23
    #[arg(value_name = "ENTRIES", conflicts_with = "key", requires = "domain")]
    entries: Vec<String>,

    /// The counter's key as it is listed by --json
    #[arg(long, conflicts_with_all = ["domain", "unit"])]
    key: Option<String>,

    /// The domain
    #[arg(long)]
    domain: Option<String>,

    /// The unit, as in rules (hour, h, 5m), where requests bring their own limit along or the rule has several limits
    #[arg(long, requires = "entries", value_parser = unit)]
    unit: Option<String>,

    /// The algorithm, where the rule has several limits and the unit does not say which; with --all: only counters whose limit is held so
    #[arg(long, value_name = "NAME", value_parser = algorithms(), conflicts_with = "key")]
    algorithm: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["entries", "key"]))]
struct GetArgs {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    which: WhichArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["entries", "key", "all"]))]
struct ResetArgs {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    which: WhichArgs,

    /// Reset all counters that --domain, --rule and --prefix mean; without these, every counter
    #[arg(long)]
    all: bool,

    /// With --all: only those of the rule with this path, as in /rlconfig and in metrics
    #[arg(long, value_name = "PATH", requires = "all", conflicts_with_all = ["entries", "key"])]
    rule: Option<String>,

    /// With --all: only those whose entries, as they are listed, or whose key begin so
    #[arg(long, value_name = "TEXT", requires = "all", conflicts_with_all = ["entries", "key"])]
    prefix: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub fn run(args: &CountersArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("no runtime can be started")?;
    let done = runtime.block_on(async {
        match &args.command {
            Command::List(args) => list(args).await,
            Command::Get(args) => get(args).await,
            Command::Reset(args) => reset(args).await,
        }
    });
    match done {
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        done => done,
    }
}

async fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let (admin, mut listing) =
        (Admin::new(&args.common.admin), Listing::start(args.common.json, io::stdout())?);
    let mut query = ListQuery {
        domain: args.domain.clone(),
        rule: args.rule.clone(),
        prefix: args.prefix.clone(),
        algorithm: args.algorithm.clone(),
        limit: None,
        cursor: args.cursor.clone(),
    };
    loop {
        // The server has a largest page of its own.
        query.limit = Some(if args.limit == 0 { usize::MAX } else { args.limit - listing.counters() });
        let page = admin.get("/counters", &query).await?;
        query.cursor = listing.add(page)?;
        if query.cursor.is_none() || (args.limit > 0 && listing.counters() >= args.limit) {
            let unread = listing.end(query.cursor.as_deref())?;
            return Ok(status(&unread));
        }
    }
}

async fn get(args: &GetArgs) -> anyhow::Result<ExitCode> {
    let (WhichArgs { key, domain, unit, algorithm, .. }, entries) =
        (args.which.clone(), args.which.entries());
    let query = CounterQuery { key, domain, entries, unit, algorithm };
    let counter: CounterLine = Admin::new(&args.common.admin).get("/counter", &query).await?;
    let text = match args.common.json {
        true => serde_json::to_string_pretty(&counter)? + "\n",
        false => table::in_words(&counter),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn reset(args: &ResetArgs) -> anyhow::Result<ExitCode> {
    let admin = Admin::new(&args.common.admin);
    let WhichArgs { key, domain, unit, algorithm, .. } = &args.which;
    let mut query = ResetQuery {
        key: key.clone(),
        domain: domain.clone(),
        entries: args.which.entries(),
        unit: unit.clone(),
        rule: args.rule.clone(),
        prefix: args.prefix.clone(),
        algorithm: algorithm.clone(),
        all: args.all,
        cursor: None,
    };
    let mut done: ResetPage = admin.post("/counters/reset", &query).await?;
    while let Some(cursor) = done.cursor.take() {
        query.cursor = Some(cursor);
        let more: ResetPage = admin.post("/counters/reset", &query).await.with_context(|| {
            format!("{} counters were reset before this; run it again for the others", done.reset)
        })?;
        done.reset += more.reset;
        done.foreign.extend(more.foreign);
        done.not_read.extend(more.not_read);
        done.cursor = more.cursor;
    }
    let text = match args.common.json {
        true => serde_json::to_string_pretty(&done)? + "\n",
        false => table::reset_in_words(&done),
    };
    io::stdout().write_all(text.as_bytes())?;
    table::tell_besides(&done.foreign, &done.not_read);
    Ok(status(&done.not_read))
}

impl WhichArgs {
    /// The entries as one text.
    fn entries(&self) -> Option<String> {
        (!self.entries.is_empty()).then(|| self.entries.join(","))
    }
}

fn status(unread: &[UnreadLine]) -> ExitCode {
    if unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(IN_PART) }
}

fn unit(text: &str) -> Result<String, String> {
    let period: Period = text.parse().map_err(|fault| format!("it {fault}"))?;
    Ok(period.to_string())
}

fn algorithms() -> PossibleValuesParser {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::name))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
