//! How long a large file takes: `cargo test --release --lib config::rules::tests::speed -- --ignored --nocapture`.

use std::fmt::Write as _;
use std::time::Instant;

use super::parse;
use crate::config::rules::RuleOptions;
use crate::config::source::SourceFile;

const RULES: usize = 100_000;

/// Prints the best of five. The goal is half a second with compilation, on a machine that has nothing else to do.
#[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
fn measure(name: &str, text: String) {
    let file = [SourceFile::new("large.yaml", text)];
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            let domains = parse(&file, RuleOptions::default()).unwrap();
            assert_eq!(domains.len(), 1);
            start.elapsed().as_millis()
        })
        .min()
        .unwrap();
    eprintln!("{name}: {RULES} rules, {} KiB, {best} ms", file[0].text.len() / 1024);
}

#[test]
#[ignore = "a measurement, for release builds"]
fn a_hundred_thousand_rules() {
    let mut flat = String::from("domain: d\ndescriptors:\n");
    let mut nested = flat.clone();
    for index in 0..RULES {
        let limit = "{unit: minute, requests_per_unit: 10}";
        let _ = writeln!(
            flat,
            "  - key: user\n    value: u{index}\n    rate_limit:\n      unit: minute\n      requests_per_unit: 10"
        );
        if index % 10 == 0 {
            let _ = writeln!(nested, "  - key: tenant\n    value: t{index}\n    descriptors:");
        }
        let _ = writeln!(nested, "      - {{key: path, value: /p/{index}, rate_limit: {limit}}}");
    }
    measure("flat", flat);
    measure("nested", nested);
}
