//! Rule files: the input is the text of one, or of two with the byte 0xFF between them, which no UTF-8 has.
//!
//! What `check` and `serve` do with files is done twice and must come to the same. Faults must stand inside of their
//! file and be fit to print. Rules must be those that their own text in another form gives, and compile.

mod accepted;
mod refused;
mod rewrite;

use ratekeeper::config::files::RuleSources;
use ratekeeper::config::rules::{self, RuleOptions, Rules};
use ratekeeper::config::source::SourceFile;

/// Between two files.
const SEPARATOR: u8 = 0xff;

/// Holds the grammar to its promises for this input.
pub fn check(input: &[u8]) {
    let files = input.splitn(2, |byte| *byte == SEPARATOR).enumerate();
    let files = files.map(|(index, bytes)| SourceFile::from_bytes(name(index), bytes.to_vec()));
    let sources = RuleSources::given(files.collect());
    for merge_domains in [false, true].into_iter().take(sources.files.len()) {
        check_read(&sources, RuleOptions { merge_domains, ..RuleOptions::default() });
    }
}

fn name(index: usize) -> String {
    format!("{index}.yaml")
}

fn check_read(sources: &RuleSources, options: RuleOptions) {
    match (rules::read(sources, options), rules::read(sources, options)) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.domains, second.domains);
            assert_eq!(first.warnings, second.warnings);
            let Rules { domains, warnings } = first;
            refused::check(&warnings, sources);
            accepted::check(&domains, sources);
        }
        (Err(first), Err(second)) => {
            assert!(!first.is_empty(), "refused without a fault");
            assert_eq!(first, second);
            refused::check(&first, sources);
        }
        (first, second) => assert_eq!(first.is_ok(), second.is_ok(), "once accepted and once refused"),
    }
}
