//! Files that are small and want to become large, or deep.

use super::{check, parse};
use crate::config::rules::RuleOptions;
use crate::config::source::{MAX_FILE_BYTES, SourceFile};

/// The message of the only fault.
#[track_caller]
fn check_message(yaml: String, expected: &str) {
    let faults = parse(&[SourceFile::new("a.yaml", yaml)], RuleOptions::default()).unwrap_err();
    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, [expected]);
}

fn nested(levels: usize) -> String {
    let mut yaml = String::from("domain: d\n");
    for level in 0..levels {
        let indent = "  ".repeat(level);
        yaml.push_str(&format!("{indent}descriptors:\n{indent}- key: k\n"));
    }
    yaml
}

#[test]
fn as_many_levels_as_a_request_has_entries() {
    parse(&[SourceFile::new("a.yaml", nested(64))], RuleOptions::default()).unwrap();
    check_message(nested(65), "descriptors stand more than 64 levels deep in each other");
}

#[test]
fn depth_is_bounded_however_it_is_written() {
    let deep = "lists and mappings stand more than 200 levels deep in each other";
    check_message(nested(500), deep);
    check_message("[".repeat(1_000_000), deep);
    check_message("{a: ".repeat(100_000), deep);
    check_message("- ".repeat(300), deep);
    check_message("- ".repeat(150) + &"[".repeat(150) + &"]".repeat(150), deep);
    // Each anchor stands for something 100 levels deep that ends in the one before.
    let mut yaml = String::from("a0: &a0 x\n");
    for index in 1..10 {
        yaml.push_str(&format!(
            "a{index}: &a{index} {}*a{} {}\n",
            "[".repeat(100),
            index - 1,
            "]".repeat(100)
        ));
    }
    check_message(yaml, deep);
}

#[test]
fn aliases_do_not_explode() {
    let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for index in 1..20 {
        let aliases = vec![format!("*a{}", index - 1); 10].join(", ");
        yaml.push_str(&format!("a{index}: &a{index} [{aliases}]\n"));
    }
    check_message(yaml, "anchors and aliases repeat too much");
    let text = "x".repeat(1_000_000);
    let yaml = format!("a: &a {text}\nb: [{}]\n", vec!["*a"; 10_000].join(", "));
    check_message(yaml, "anchors and aliases repeat too much");
}

#[test]
fn size_is_bounded() {
    let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", MAX_FILE_BYTES + 1);
    check_message("x".repeat(MAX_FILE_BYTES + 1), &message);
}

#[test]
fn long_lines_are_clipped() {
    let yaml = format!("domain: d\n{}: {}\n", "x".repeat(500), "y".repeat(100_000));
    let (name, marked) = ("x".repeat(60), "^".repeat(80));
    let path = format!("{}…", "x".repeat(300));
    let shown = format!("{}…", "x".repeat(160));
    check(
        &yaml,
        &format!(
            "
error: unknown field `{name}…`
 --> a.yaml:2:1
  |
2 | {shown}
  | {marked}
  = field: {path}
  = help: known here: domain, descriptors
"
        ),
    );
}
