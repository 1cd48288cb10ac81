//! What the pages have people type works: it is run, or it says why it cannot be run here and is looked at instead.

use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use ratekeeper::cli::Arguments;

use super::console::{self, Console, NOT_RUN, fences};
use super::markdown::{Page, pages};
use super::shell::Shell;

/// How often a page is tried: windows begin by the clock, so one may begin anew while a page counts.
const ATTEMPTS: usize = 3;

/// What begins a line that people are meant to type.
const PROGRAMS: [&str; 26] = [
    "$",
    "cargo",
    "cat",
    "cd",
    "chmod",
    "cp",
    "curl",
    "docker",
    "envoy",
    "export",
    "for",
    "git",
    "helm",
    "istioctl",
    "journalctl",
    "kubectl",
    "make",
    "mkdir",
    "ratekeeper",
    "redis-cli",
    "scripts/",
    "sudo",
    "systemctl",
    "systemd-",
    "target/",
    "while",
];

#[test]
fn every_command_is_in_a_console_block() {
    let mut wrong = Vec::new();
    for page in pages() {
        for fence in fences(&page) {
            let typed = match fence.opening {
                "```sh" | "```bash" | "```shell" | "```zsh" => Some(&fence.opening),
                "```text" | "```" => fence.body.iter().find(|line| is_typed(line)),
                _ => None,
            };
            wrong.extend(typed.map(|typed| format!("{}:{}: {typed}", page.name, fence.line)));
        }
    }
    assert!(wrong.is_empty(), "commands belong into blocks of `console`:\n{}", wrong.join("\n"));
}

fn is_typed(line: &str) -> bool {
    let begins = |program: &str| {
        let rest = line.strip_prefix(program)?;
        Some(rest.starts_with(' ') || program.ends_with(['/', '-']))
    };
    PROGRAMS.iter().any(|program| begins(program) == Some(true))
}

#[test]
fn what_is_not_run_says_why_in_words_that_are_known() {
    for page in pages() {
        for (line, block) in page.blocks("console") {
            let first = block.lines().next().unwrap_or_default();
            let is_known = !first.starts_with("# needs") || NOT_RUN.contains(&first);
            assert!(is_known, "{}:{line}: `{first}` is none of {NOT_RUN:?}", page.name);
        }
    }
}

#[test]
fn every_command_is_one_that_exists() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for block in console::blocks(&page) {
            count += 1;
            let place = format!("{}:{}", page.name, block.line);
            wrong.extend(faults(&block).into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    assert!(count > 10, "only {count} blocks were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn faults(block: &Console) -> Vec<String> {
    let script = block.script();
    let bash = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
    let mut found = Vec::new();
    if !bash.status.success() {
        found.push(String::from_utf8_lossy(&bash.stderr).into_owned());
    }
    let script = script.replace("\\\n", " ");
    for line in script.lines().map(|line| line.split(" #").next().unwrap_or_default()) {
        let words: Vec<_> =
            line.split_whitespace().map(|word| word.trim_matches(['\'', '"', ';', ')'])).collect();
        found.extend(unknown_flag(&words));
        found.extend(unknown_target(&words));
        // What these call `deploy/name` is no file.
        let names_objects = matches!(words.first(), Some(&("kubectl" | "istioctl")));
        let files = words.iter().filter(|word| !names_objects || word.contains('.'));
        found.extend(files.filter(|word| is_missing_file(word)).map(|word| format!("there is no {word}")));
    }
    found
}

/// What `ratekeeper` would not understand in this line.
fn unknown_flag(words: &[&str]) -> Option<String> {
    let is_program = |word: &&str| *word == "ratekeeper" || word.ends_with("/ratekeeper");
    let start = words.iter().position(is_program)?;
    let mut command = Arguments::command();
    command.build();
    let name =
        words.get(start + 1).filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))?;
    // Such as the name of a release, or of a unit.
    let is_ours = start == 0
        || words[start].contains("bin/")
        || words[start - 1].contains('=')
        || words[start - 1] == "sudo";
    if !is_ours {
        return None;
    }
    let mut command = command.find_subcommand(name).cloned().ok_or_else(|| format!("no command `{name}`"));
    for word in &words[start + 2..] {
        let Ok(known) = &command else { break };
        if let Some(inner) = known.find_subcommand(word) {
            command = Ok(inner.clone());
        } else if let Some(flag) = word.strip_prefix("--").map(|flag| flag.split('=').next().unwrap_or(flag))
        {
            let mut flags = known.get_arguments().filter_map(|argument| argument.get_long());
            if !flag.is_empty() && flag != "help" && !flags.any(|known| known == flag) {
                return Some(format!("`ratekeeper {name}` has no flag --{flag}"));
            }
        } else if matches!(*word, "|" | "&&" | "||") {
            break;
        }
    }
    command.err()
}

/// The target that this line has make build and the Makefile does not have.
fn unknown_target(words: &[&str]) -> Option<String> {
    let target = (words.first() == Some(&"make")).then(|| words.get(1))??;
    let makefile = std::fs::read_to_string(project().join("Makefile")).unwrap();
    let is_there = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
    (!is_there).then(|| format!("there is no target `{target}`"))
}

/// Whether this names something in the checkout that is not there.
fn is_missing_file(word: &str) -> bool {
    let ours = ["config/", "deploy/", "docs/", "helm/", "scripts/", "./config/", "./deploy/", "./helm/"];
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    plain && ours.iter().any(|folder| word.starts_with(folder)) && !project().join(word).exists()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages at once, each in a shell of its own.
#[test]
fn what_the_pages_have_people_type_does_what_they_say() {
    let pages = pages();
    let wrong: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = pages.iter().map(|page| scope.spawn(|| run(page))).collect();
        running.into_iter().flat_map(|page| page.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn run(page: &Page) -> Vec<String> {
    let blocks = console::blocks(page);
    let run: Vec<_> = blocks.iter().filter(|block| !block.is_not_run).collect();
    if run.is_empty() {
        return Vec::new();
    }
    let attempt = || Shell::new().run(&run);
    let faults = (1..ATTEMPTS).map(|_| attempt()).find(Vec::is_empty).unwrap_or_else(attempt);
    faults.into_iter().map(|fault| format!("{}: {fault}", page.name)).collect()
}
