//! What is no YAML, or means nothing in a rule file.

use super::{check, check_descriptors};

#[test]
fn tabs() {
    check(
        "domain: d\ndescriptors:\n\t- key: a\n",
        r#"
error: not valid YAML: a tab
 --> a.yaml:3:1
  |
3 |     - key: a
  | ^^^^
  = help: indent with spaces
"#,
    );
}

#[test]
fn a_star_without_quotes() {
    check_descriptors(
        r#"  - key: k
    value: *
"#,
        r#"
error: not valid YAML: a text that begins with `*` or `&`
 --> a.yaml:4:12
  |
4 |     value: *
  |            ^
  = help: put it in quotes, such as `"*"`; without, it is the sign of an alias
"#,
    );
}

#[test]
fn a_colon_without_quotes() {
    check_descriptors(
        r#"  - key: k
    value: a: b
"#,
        r#"
error: not valid YAML: a `:` where none can stand
 --> a.yaml:4:13
  |
4 |     value: a: b
  |             ^
  = help: align the names of one mapping, and put text with `: ` in it in quotes
"#,
    );
}

#[test]
fn uneven_indentation() {
    check_descriptors(
        r#"  - key: k
   value: a
"#,
        r#"
error: not valid YAML: this line does not belong to what stands above
 --> a.yaml:4:4
  |
4 |    value: a
  |    ^
  = help: align it with its neighbours; items of a list begin with `- `
"#,
    );
}

#[test]
fn a_template_that_was_not_filled_in() {
    check(
        r#"domain: d
descriptors: {{ .Values.descriptors }}
"#,
        r#"
error: `descriptors` must be a list, not a mapping
 --> a.yaml:2:14
  |
2 | descriptors: {{ .Values.descriptors }}
  |              ^
  = field: descriptors
  = help: put `- ` before each item

error: a name must be text, not a mapping
 --> a.yaml:2:15
  |
2 | descriptors: {{ .Values.descriptors }}
  |               ^
  = field: descriptors
  = help: write `name: value`; a template placeholder in braces needs quotes
"#,
    );
}

#[test]
fn a_tag() {
    check_descriptors(
        r#"  - key: k
    value: !regex x
"#,
        r#"
error: the tag `!regex` means nothing here
 --> a.yaml:4:19
  |
4 |     value: !regex x
  |                   ^
  = field: descriptors[0].value
  = help: leave it out
"#,
    );
}

#[test]
fn a_merge_of_a_number() {
    check_descriptors(
        r#"  - key: k
    <<: 3
"#,
        r#"
error: `<<` merges a mapping or a list of mappings, not a number
 --> a.yaml:4:9
  |
4 |     <<: 3
  |         ^
  = field: descriptors[0].<<
  = help: write `<<: *name`, where `&name` marks a mapping
"#,
    );
}

#[test]
fn an_alias_of_nothing() {
    check_descriptors(
        r#"  - key: k
    rate_limit: *limit
"#,
        r#"
error: not valid YAML: an alias of an anchor that does not stand above
 --> a.yaml:4:17
  |
4 |     rate_limit: *limit
  |                 ^
  = help: put text that begins with `*` in quotes, or mark a value above with `&name`
"#,
    );
}

#[test]
fn an_alias_inside_of_itself() {
    check_descriptors(
        "  - &a [*a]\n",
        r#"
error: an alias inside of what it stands for
 --> a.yaml:3:9
  |
3 |   - &a [*a]
  |         ^^
  = field: descriptors[0][0]
  = help: write the value out
"#,
    );
}

#[test]
fn a_control_character() {
    check(
        "domain: d\u{7}d\n",
        r#"
error: not valid YAML: a character that files cannot have
 --> a.yaml:1:9
  |
1 | domain: d�d
  |         ^
  = help: take it out, or write it as an escape in double quotes
"#,
    );
}
