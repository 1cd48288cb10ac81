//! What idle connections cost in memory.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::contender::Contender;
use crate::goal::Goal;
use crate::idle::Idle;
use crate::page::Page;
use crate::process::holdings;
use crate::program::pause;
use crate::server::Server;
use crate::spread::{as_f64, figure};
use crate::table::Table;

/// The goal: 50 MB for 2,000.
const MOST_KILOBYTES: f64 = 25.0;

/// How long memory gets to settle.
const SETTLING: Duration = Duration::from_secs(1);

/// Of each server, started anew: memory before, with, and after so many connections.
pub(crate) fn measure(count: NonZeroUsize, contenders: &[Contender], page: &mut Page) -> anyhow::Result<()> {
    page.heading(&format!("{count} idle connections, each used once: resident memory in MB"))?;
    let mut table =
        Table::new(["server", "without", "with", "kB each", "after", "descriptors, with and after"]);
    let mut goals = Vec::new();
    for &contender in contenders {
        let server = Server::start_plain(contender)?;
        let pid = server.pid()?;
        // The first connection brings along what all others share.
        drop(Idle::open(server.target(), 1)?);
        let before = holdings(pid)?;
        let idle = Idle::open(server.target(), count.get())?;
        pause(SETTLING)?;
        let with = holdings(pid)?;
        drop(idle);
        pause(SETTLING)?;
        let after = holdings(pid)?;
        let each = (with.megabytes - before.megabytes) * 1e3 / as_f64(count.get() as u64);
        let [a, b, c, d] = [before.megabytes, with.megabytes, each, after.megabytes].map(figure);
        let descriptors = format!("{} and {}", with.descriptors, after.descriptors);
        table.row([server.name().to_owned(), a, b, c, d, descriptors]);
        goals.push(Goal::at_most(
            format!("{}: kB of an idle connection", server.name()),
            MOST_KILOBYTES,
            each,
        ));
    }
    page.table(&table)?;
    page.goals(&goals)
}
