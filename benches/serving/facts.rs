//! What one must know of the machine and the run to read the figures.

use std::process::Command;

/// One line on the machine, one on how to do it again.
pub(crate) fn facts() -> [String; 2] {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = first_word("/proc/loadavg");
    let machine = format!(
        "{cores} cores of {}, Linux {}, {}; load {load} at the start",
        cpu_model(),
        first_word("/proc/sys/kernel/osrelease"),
        redis_version()
    );
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let commit = output("git", &["describe", "--always", "--dirty"]);
    [machine, format!("cargo bench --bench serving -- {} (at {commit})", arguments.join(" "))]
}

fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "an unknown CPU".to_owned(), |(_, model)| model.to_owned())
}

fn redis_version() -> String {
    let text = output("redis-server", &["--version"]);
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="));
    version.map_or_else(|| "no Redis".to_owned(), |version| format!("Redis {version}"))
}

fn first_word(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// What a program says, nothing where it is not there.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
