//! What must hold for faults and warnings.

use ratekeeper::config::diagnostic::{Diagnostics, Origin, Position};
use ratekeeper::config::files::RuleSources;
use ratekeeper::config::source::SourceFile;

/// What is printed of one fault clips every part that a file can make long.
const MAX_PRINTED_LINE: usize = 2_000;

/// Holds what was found to the files in which it was found.
pub(super) fn check(found: &Diagnostics, sources: &RuleSources) {
    for fault in found.iter() {
        assert!(!fault.message.is_empty(), "a fault without a message");
        if let Origin::File { name, position: Some(position) } = &fault.origin {
            check_place(name, *position, sources);
        }
    }
    check_printed(&found.to_string());
    let json = serde_json::to_value(found).expect("faults are plain values");
    assert_eq!(json.as_array().map_or(0, Vec::len), found.iter().count());
}

/// A place must be one of the file's; behind the last character of a line is one, too.
pub(super) fn check_place(name: &str, position: Position, sources: &RuleSources) {
    let Position { line, column } = position;
    let files = sources.readable().filter(|file| *file.name == *name);
    let mut inside = files.map(|file| is_inside(file, line as usize, column as usize));
    // A file that is not text is not kept; its one fault has tests of its own.
    assert!(inside.next().unwrap_or(true), "{name}:{position} is outside of the file");
}

fn is_inside(file: &SourceFile, line: usize, column: usize) -> bool {
    let text = file.text.replace("\r\n", "\n").replace('\r', "\n");
    let found = line.checked_sub(1).and_then(|above| text.split('\n').nth(above));
    found.is_some_and(|found| (1..=found.chars().count() + 1).contains(&column))
}

fn check_printed(text: &str) {
    for line in text.split('\n') {
        assert!(line.chars().count() <= MAX_PRINTED_LINE, "a line that is not clipped: {line}");
        let obeyed = line.chars().find(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'));
        assert_eq!(obeyed, None, "a terminal would obey {line:?}");
    }
}
