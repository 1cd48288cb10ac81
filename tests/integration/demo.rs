//! The story of `make demo`: it is told to its end, and it is not told where something is not so.

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::time::{Duration, Instant};

use crate::harness::ratekeeper::BINARY;

/// The beginnings of its chapters.
const CHAPTERS: [&str; 9] = [
    "1. Two replicas, one Redis, an Envoy in front",
    "2. A limit bites",
    "3. Why was Alice denied?",
    "4. A rule is edited",
    "5. Redis is killed",
    "6. Redis comes back, empty",
    "7. What Prometheus has seen",
    "8. A replica is restarted under traffic",
    "9. The end",
];

/// What the script does with this binary. It bounds its own time, and ends what it started.
async fn told(binary: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/demo");
    let mut command = tokio::process::Command::new(script);
    command.args(["--fast", "--binary", binary]).stdin(Stdio::null());
    command.output().await.unwrap()
}

#[tokio::test]
async fn the_story_is_true() {
    let output = told(BINARY).await;
    let (story, faults) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{story}\n{faults}");
    let titles: Vec<&str> =
        story.lines().filter(|line| line.starts_with(|it: char| it.is_numeric())).collect();
    assert_eq!(titles.len(), CHAPTERS.len(), "{titles:?}");
    for (title, begin) in titles.iter().zip(CHAPTERS) {
        assert!(title.starts_with(begin), "{title}");
    }
    for said in [
        "✓ exactly 10 passed, 5 were denied",
        "HTTP/1.1 429",
        "✓ both name the same line: rules/shop.yaml:4",
        "= help: did you mean `requests_per_unit`?",
        "of 30 requests exactly 20 pass",
        "ok, degraded: the store is away",
        "of 60 requests 30 pass",
        "✓ all 5 processes have ended, and their files are gone",
    ] {
        assert!(story.contains(said), "`{said}` is not in {story}");
    }
    assert!(!story.contains('\x1b'), "colours are for terminals");
    let left: Vec<&str> = processes(&story).filter(|id| is_ours(id)).collect();
    assert!(left.is_empty(), "{left:?} are still there");
}

/// The ids that the first chapter tells.
fn processes(story: &str) -> impl Iterator<Item = &str> {
    let told = story.split("(process").skip(1);
    told.map(|rest| rest.split(')').next().unwrap().trim())
}

/// Whether a process of this id has its files where stories are told; another program may have got the id meanwhile.
fn is_ours(id: &str) -> bool {
    let place = std::fs::read_link(format!("/proc/{id}/cwd")).unwrap_or_default();
    place.to_string_lossy().contains("ratekeeper-demo-")
}

#[tokio::test]
async fn it_ends_where_something_is_not_so() {
    let begin = Instant::now();
    let output = told("/bin/false").await;
    let (story, faults) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{story}\n{faults}");
    assert!(faults.contains("demo: ratekeeper-0 has ended, with status 1"), "{faults}");
    assert!(!story.contains("\n   ✓"), "{story}");
    assert!(begin.elapsed() < Duration::from_secs(20), "it need not wait for who has ended");
}
