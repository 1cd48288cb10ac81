//! The fields that the code logs are those that docs/logging.md tells of.
//!
//! Works on tokens: the arguments of `tracing`'s macros up to the message.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::docs::markdown::pages;

const MACROS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The names of fields, with a file each.
fn logged(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logged(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let stream: TokenStream = std::fs::read_to_string(&path).unwrap().parse().unwrap();
            for field in fields(stream) {
                found.insert(field, path.display().to_string());
            }
        }
    }
}

fn fields(stream: TokenStream) -> BTreeSet<String> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut found = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_line = matches!(&tokens[..at], [.., TokenTree::Ident(name), TokenTree::Punct(bang)]
            if bang.as_char() == '!' && MACROS.iter().any(|known| name == known));
        found.extend(if is_line { arguments(group.stream()) } else { fields(group.stream()) });
    }
    found
}

/// The names before the message; an argument is `name`, `%name`, `?name` or `name = …`.
fn arguments(stream: TokenStream) -> BTreeSet<String> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let parts = tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','));
    let name = |part: &[TokenTree]| match part {
        [TokenTree::Ident(name), ..] => Some(name.to_string()),
        [TokenTree::Punct(_), TokenTree::Ident(name), ..] => Some(name.to_string()),
        _ => None,
    };
    parts.map_while(name).collect()
}

#[test]
fn arguments_are_read_up_to_the_message() {
    let source = r#"fn f() { tracing::info!(core, %error, why = ?x, "a {}", not_a_field); if warn!("m", b) {} g(debug!(c)) }"#;
    let found: Vec<String> = fields(source.parse().unwrap()).into_iter().collect();
    assert_eq!(found, ["c", "core", "error", "why"]);
}

#[test]
fn every_field_is_told_of_and_nothing_else_is() {
    let mut found = BTreeMap::new();
    logged(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    let page = pages().into_iter().find(|page| page.name == "docs/logging.md").unwrap();
    let rows = page.table("| field | meaning |");
    let told: BTreeSet<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(told.len(), rows.len(), "a field stands twice");
    let always = ["timestamp", "level", "target", "message"];
    let untold: Vec<_> = found.iter().filter(|(field, _)| !told.contains(*field)).collect();
    assert!(untold.is_empty(), "docs/logging.md does not tell of {untold:#?}");
    let twice: Vec<_> = always.iter().filter(|field| found.contains_key(**field)).collect();
    assert!(twice.is_empty(), "{twice:?} would stand twice in a line");
    let gone: Vec<_> = told
        .iter()
        .filter(|field| !found.contains_key(*field) && !always.contains(&field.as_str()))
        .collect();
    assert!(gone.is_empty(), "nothing logs {gone:?} any more");
}
