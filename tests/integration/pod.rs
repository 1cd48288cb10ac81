//! The chart's pods, each from its kept snapshot: started, probed, asked, changed and ended as a kubelet does it.
//!
//! A small kubelet for one pod reads what `helm template` printed (`helm/snapshots/`), and nothing of it is changed: it lays out the
//! volumes, mounts them into the root that is the image's, and starts the real binary there with the rendered command, variables and
//! user. Redis servers stand behind the rendered names. All this happens in namespaces, in which this test binary is started again:
//! `inside` is the inner half.

mod cluster;
mod container;
mod door;
mod environment;
mod kubelet;
mod namespaces;
mod operator;
mod probes;
mod rules;
mod services;
mod stores;
mod story;
mod volumes;

use std::sync::Mutex;

/// Sets of values whose pods differ in what a server may notice.
const SETS: &[&str] = &[
    "minimal",
    "single",
    "sentinel",
    "cluster",
    "ring",
    "proxy",
    "per-second",
    "tls",
    "mtls",
    "cert-manager",
    "ha",
    "existing-rules",
    "monitoring",
    "everything",
];

/// How many pods there are at a time: most of what one does is to wait for its drain.
const AT_A_TIME: usize = 5;

#[test]
fn every_set_runs_as_rendered() {
    if let Some(missing) = namespaces::missing() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "pods cannot be tested here: {missing}");
        eprintln!("SKIPPED: pods cannot be tested here: {missing}");
        return;
    }
    let only = std::env::var("RATEKEEPER_TEST_PODS").unwrap_or_default();
    let chosen = |set: &&str| only.is_empty() || only.split(',').any(|name| name == *set);
    let sets = Mutex::new(SETS.iter().copied().filter(chosen));
    let (image, failures) = (namespaces::image(), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(set) = { sets.lock().unwrap().next() } {
                    if let Err(told) = namespaces::play(set, image.path()) {
                        failures.lock().unwrap().push(format!("==== {set} ====\n{told}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_snapshot_is_a_set() {
    let files = std::fs::read_dir(namespaces::checkout("helm/snapshots")).unwrap();
    let mut found: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let mut sets: Vec<_> = SETS.iter().map(|set| format!("{set}.yaml")).collect();
    found.sort();
    sets.sort();
    assert_eq!(found, sets);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the inner half of every_set_runs_as_rendered, which starts it in namespaces of its own"]
async fn inside() {
    story::play(&std::env::var(namespaces::SET).expect("the outer half")).await;
}
