//! The machine that a run was made on, as Linux tells it: without it a figure means little to others.

use std::fmt;

use serde::Serialize;

/// What matters of a machine; what the system does not tell is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: Option<String>,
    /// Its instruction set, as in `x86_64`.
    pub architecture: &'static str,
    /// Cores that this program may use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// The kernel's release.
    pub kernel: Option<String>,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        Self {
            cpu: read("/proc/cpuinfo").as_deref().and_then(parse_cpu),
            architecture: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: read("/proc/meminfo").as_deref().and_then(parse_memory),
            kernel: read("/proc/sys/kernel/osrelease").map(|release| release.trim().to_owned()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, architecture, cores, memory_bytes, kernel } = self;
        let plural = if *cores == 1 { "" } else { "s" };
        write!(f, "{cores} core{plural} of {} ({architecture})", cpu.as_deref().unwrap_or("an unnamed CPU"))?;
        if let Some(bytes) = memory_bytes {
            write!(f, ", {} MiB of memory", bytes >> 20)?;
        }
        kernel.iter().try_for_each(|release| write!(f, ", Linux {release}"))
    }
}

/// Processors other than x86 do not tell their name here.
fn parse_cpu(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn parse_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_as_linux_writes_them() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(parse_cpu(cpuinfo).as_deref(), Some("Some CPU @ 3 GHz"));
        assert_eq!(parse_cpu("processor: 0\n"), None);
        assert_eq!(parse_memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(parse_memory("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn facts_that_are_not_known_are_left_out() {
        let machine = Machine { cpu: None, architecture: "arm", cores: 1, memory_bytes: None, kernel: None };
        assert_eq!(machine.to_string(), "1 core of an unnamed CPU (arm)");
        let known = Machine {
            cpu: Some("A".to_owned()),
            cores: 2,
            memory_bytes: Some(3 << 20),
            kernel: Some("6.1".to_owned()),
            ..machine
        };
        assert_eq!(known.to_string(), "2 cores of A (arm), 3 MiB of memory, Linux 6.1");
    }
}
