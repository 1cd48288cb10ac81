//! What the operating system says of this process, named as Prometheus's client libraries name it. Read from `/proc`; where
//! there is none, nothing is shown.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use crate::telemetry::samples::{Described, as_gauge};

const CPU: Described =
    Described { name: "process_cpu_seconds", help: "User and system CPU time spent, in seconds" };
const RESIDENT: Described =
    Described { name: "process_resident_memory_bytes", help: "Memory that is in RAM, in bytes" };
const VIRTUAL: Described =
    Described { name: "process_virtual_memory_bytes", help: "Address space in use, in bytes" };
const START: Described =
    Described { name: "process_start_time_seconds", help: "When the process started, in seconds since 1970" };
const THREADS: Described = Described { name: "process_threads", help: "Threads" };
const OPEN_FILES: Described =
    Described { name: "process_open_fds", help: "Open file descriptors, sockets among them" };
const MAX_FILES: Described = Described { name: "process_max_fds", help: "File descriptors that may be open" };

/// Reads the figures when somebody asks.
#[derive(Debug, Clone, Copy)]
pub struct ProcessMetrics;

/// What `/proc/self/stat` tells.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    /// Since the machine started.
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse) {
            stat.encode(&mut encoder)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is the folder that is being read.
            OPEN_FILES.gauge(&mut encoder, as_gauge(files.count().saturating_sub(1)))?;
        }
        match getrlimit(Resource::Nofile).current {
            Some(most) => MAX_FILES.gauge(&mut encoder, as_double(most)),
            None => Ok(()),
        }
    }
}

impl Stat {
    /// Reads the fields of proc_pid_stat(5). The second is the program's name, which may hold anything, in parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let seconds = |ticks: u64| as_double(ticks) / as_double(clock_ticks_per_second());
        let cpu = CPU.describe(encoder, MetricType::Counter)?;
        ConstCounter::new(seconds(self.cpu_ticks)).encode(cpu)?;
        THREADS.gauge(encoder, as_double(self.threads))?;
        VIRTUAL.gauge(encoder, as_double(self.virtual_bytes))?;
        RESIDENT.gauge(encoder, as_double(self.resident_pages) * as_gauge(page_size()))?;
        match fs::read_to_string("/proc/stat").ok().as_deref().and_then(boot_time) {
            Some(boot) => START.gauge(encoder, as_double(boot) + seconds(self.start_ticks)),
            None => Ok(()),
        }
    }
}

/// When the machine started, in seconds since 1970.
fn boot_time(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a double; nobody has 8 PiB of memory or as many files"
)]
fn as_double(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything() {
        let text = "7 (a) (b 9) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15 16 17 18 4200 8192000 321 20";
        let expected = Stat {
            cpu_ticks: 300,
            threads: 17,
            start_ticks: 4_200,
            virtual_bytes: 8_192_000,
            resident_pages: 321,
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn the_machines_start_is_found() {
        assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\nprocesses 3\n"), Some(1_700_000_000));
        assert_eq!(boot_time("cpu 1 2\n"), None);
    }
}
