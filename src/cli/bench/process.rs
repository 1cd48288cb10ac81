//! What a process has used, as Linux tells it under `/proc`: CPU time and peak memory.

use std::io;
use std::time::Duration;

/// `/proc/PID/stat` counts in hundredths of a second on all of our platforms, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// Positions of user and system time behind the command's closing parenthesis (proc_pid_stat(5), fields 14 and 15).
const UTIME_INDEX: usize = 11;
const STIME_INDEX: usize = 12;

/// Why a process's usage is not known.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such process, or it may not be read.
    #[error("cannot read {path}: is process {pid} running?")]
    Read {
        /// The process.
        pid: u32,
        /// What was read.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not as Linux writes it.
    #[error("{path} is not as expected")]
    Format {
        /// What was read.
        path: String,
    },
}

/// CPU time that the process has used so far, in user and kernel mode, all threads, ended ones too.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu_time(pid: u32) -> Result<Duration, ProcessError> {
    read(pid, "stat", parse_cpu_time)
}

/// The most memory that the process has ever had resident, in bytes.
///
/// # Errors
///
/// When there is no such process.
pub fn peak_memory(pid: u32) -> Result<u64, ProcessError> {
    read(pid, "status", parse_peak_memory)
}

fn read<T>(pid: u32, name: &str, parse: fn(&str) -> Option<T>) -> Result<T, ProcessError> {
    let path = format!("/proc/{pid}/{name}");
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text).ok_or(ProcessError::Format { path }),
        Err(source) => Err(ProcessError::Read { pid, path, source }),
    }
}

fn parse_cpu_time(stat: &str) -> Option<Duration> {
    // The command may hold spaces and parentheses itself, so only its last one counts.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(TICK * ticks(UTIME_INDEX)?.checked_add(ticks(STIME_INDEX)?)?)
}

fn parse_peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_time() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 30 0 0 20 0 1 0";
        assert_eq!(parse_cpu_time(stat), Some(Duration::from_millis(1800)));
        assert_eq!(parse_cpu_time("42 (a) S 1"), None);
    }

    #[test]
    fn peak_memory_is_the_high_water_mark() {
        assert_eq!(parse_peak_memory("Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"), Some(2 << 20));
        assert_eq!(parse_peak_memory("Name:\ta\n"), None);
    }

    #[test]
    fn our_own_process_can_be_read() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        let mut keys = super::super::keys::Keys::new(u64::MAX, 1);
        let mut sum = 0_u64;
        while cpu_time(pid).unwrap() < before + TICK * 2 {
            sum = (0..100_000).fold(sum, |sum, _| sum ^ keys.next_key());
        }
        assert!(std::hint::black_box(sum) > 0);
        assert!(peak_memory(pid).unwrap() > 1 << 20);
    }

    #[test]
    fn threads_count_also_when_they_have_ended() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        let work = || {
            let mut keys = super::super::keys::Keys::new(u64::MAX, 1);
            let worked = |text: String| parse_cpu_time(&text).unwrap();
            // A thread has a file of its own with the same fields.
            while worked(std::fs::read_to_string("/proc/thread-self/stat").unwrap()) < TICK * 5 {
                std::hint::black_box((0..100_000).fold(0, |sum, _| sum ^ keys.next_key()));
            }
        };
        std::thread::spawn(work).join().unwrap();
        assert!(cpu_time(pid).unwrap() >= before + TICK * 5);
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        // Linux never gives out numbers beyond 2^22.
        let error = cpu_time(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("is process 4294967295 running?"), "{error}");
    }
}
