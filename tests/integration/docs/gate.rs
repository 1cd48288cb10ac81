//! What a change must pass: `.ci/run` leaves nothing out without failing, and the page for developers names all of it.

use std::path::Path;

use super::markdown::pages;

fn gate() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run")).unwrap()
}

/// The commands that the page says it has, in order.
fn told() -> Vec<String> {
    let page = pages().into_iter().find(|page| page.name == "docs/development.md").unwrap();
    let paragraph =
        page.text.split("\n\n").find(|text| text.starts_with("Before a change is merged, `.ci/run`"));
    let spans = paragraph.expect("what must pass").split('`').skip(1).step_by(2);
    spans.filter(|span| span.starts_with("make ") || span.starts_with("cargo ")).map(str::to_owned).collect()
}

#[test]
fn the_page_names_what_must_pass() {
    let text = gate();
    let commands = text.lines().map(str::trim).filter_map(|line| {
        let mut words = line.split_whitespace();
        let program = words.next().filter(|word| ["make", "cargo"].contains(word))?;
        Some(format!("{program} {}", words.next()?))
    });
    assert_eq!(commands.collect::<Vec<_>>(), told());
}

/// Every script and test that leaves itself out where a program is missing asks for this variable.
#[test]
fn nothing_is_left_out_without_failing() {
    let text = gate();
    let set = text.find("\nexport CI=true\n").expect("CI is not set");
    assert!(set < text.find("\nmake ").unwrap(), "it is set too late");
}

#[test]
fn the_image_is_held_to_its_size() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(gate().contains("\nmake test-image "));
    let script = std::fs::read_to_string(root.join("scripts/test-image")).unwrap();
    assert!(script.contains("deploy/image/layout --at-most 25 "), "{script}");
}
