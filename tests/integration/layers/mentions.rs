//! Finds what a source file names of the crate's own layers and of other libraries.
//!
//! Works on tokens and not on syntax, so that the arguments of macros are seen as well. Comments and texts are no
//! mentions, documentation included.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Something that was named.
pub(super) struct Mention {
    pub(super) target: Target,
    pub(super) line: usize,
}

/// What was named.
pub(super) enum Target {
    /// A module of the crate's root.
    Layer(String),
    /// A dependency.
    Library(String),
}

/// All mentions of a file, given by its path below `src`, in their order.
pub(super) fn mentions(file: &str, source: &str, libraries: &BTreeSet<String>) -> Vec<Mention> {
    let stream: TokenStream = source.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut scan = Scan { libraries, found: Vec::new() };
    scan.stream(stream, depth_of(file));
    scan.found
}

/// How many `super::` lead from a file's module to the crate's root.
fn depth_of(file: &str) -> usize {
    match file {
        "lib.rs" | "main.rs" => 0,
        _ => file.split('/').count(),
    }
}

struct Scan<'a> {
    libraries: &'a BTreeSet<String>,
    found: Vec<Mention>,
}

impl Scan<'_> {
    /// Looks at the tokens one after the other; what belongs to one path is looked at in one go.
    fn stream(&mut self, stream: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at += match &tokens[at] {
                TokenTree::Group(group) => {
                    let inside = depth + usize::from(opens_module(&tokens[..at]));
                    self.stream(group.stream(), inside);
                    1
                }
                TokenTree::Ident(first) if !continues_path(&tokens[..at]) => {
                    self.path(first, &tokens[at..], depth)
                }
                _ => 1,
            };
        }
    }

    /// Looks at a path from its first name on, and gives how many tokens have been seen.
    fn path(&mut self, first: &Ident, tokens: &[TokenTree], depth: usize) -> usize {
        let mut rest = &tokens[1..];
        let mut ups = 0;
        let mut head = first.clone();
        while head == "super" {
            ups += 1;
            let Some((next, after)) = after_colons(rest).and_then(name) else { break };
            (head, rest) = (next, after);
        }
        let from_root = ups > 0 && ups == depth;
        if head == "crate" || head == "ratekeeper" {
            self.heads(after_colons(rest).unwrap_or_default());
        } else if from_root {
            self.push(Target::Layer(head.to_string()), &head);
        } else if ups == 0 && self.libraries.contains(&head.to_string()) && is_path_or_import(tokens) {
            self.push(Target::Library(head.to_string()), &head);
        }
        self.skip_tree(tokens, rest, depth)
    }

    /// The names that stand where a layer's does: one, or those of a group in braces.
    fn heads(&mut self, tokens: &[TokenTree]) {
        match tokens.first() {
            Some(TokenTree::Ident(name)) => self.push(Target::Layer(name.to_string()), name),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inside.split(is_comma) {
                    self.heads(part);
                }
            }
            _ => {}
        }
    }

    /// Goes past the rest of a path, so that names within its braces are not taken for first ones; what follows
    /// in other brackets is looked at as usual.
    fn skip_tree(&mut self, tokens: &[TokenTree], mut rest: &[TokenTree], depth: usize) -> usize {
        while let Some(after) = after_colons(rest) {
            match after.first() {
                Some(TokenTree::Ident(_)) => rest = &after[1..],
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => rest = &after[1..],
                Some(TokenTree::Group(group)) => {
                    self.stream(group.stream(), depth);
                    rest = &after[1..];
                }
                _ => rest = after,
            }
        }
        tokens.len() - rest.len()
    }

    fn push(&mut self, target: Target, at: &Ident) {
        self.found.push(Mention { target, line: at.span().start().line });
    }
}

/// Whether these tokens are followed by the body of a `mod name { … }`.
fn opens_module(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Ident(keyword), TokenTree::Ident(_)] if keyword == "mod")
}

/// Whether the next name is a later part of a path, or a method. A path may begin with `::`, after anything but a name or `>`.
fn continues_path(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Punct(dot)] if dot.as_char() == '.' => true,
        [.., earlier, TokenTree::Punct(one), TokenTree::Punct(two)]
            if one.as_char() == ':' && two.as_char() == ':' =>
        {
            match earlier {
                TokenTree::Ident(name) => name != "use" && name != "return",
                TokenTree::Punct(mark) => mark.as_char() == '>' && !is_arrow(before),
                TokenTree::Group(_) | TokenTree::Literal(_) => true,
            }
        }
        _ => false,
    }
}

/// Whether the two tokens before the last two are `->` or `=>`.
fn is_arrow(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Punct(mark), _, _, _] if matches!(mark.as_char(), '-' | '='))
}

/// Whether a library's name is used as one: followed by `::`, or the whole of an import.
fn is_path_or_import(tokens: &[TokenTree]) -> bool {
    match &tokens[1..] {
        [TokenTree::Ident(next), ..] => next == "as",
        rest => after_colons(rest).is_some(),
    }
}

fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [TokenTree::Punct(one), TokenTree::Punct(two), rest @ ..]
            if one.as_char() == ':' && two.as_char() == ':' =>
        {
            Some(rest)
        }
        _ => None,
    }
}

fn name(tokens: &[TokenTree]) -> Option<(Ident, &[TokenTree])> {
    match tokens {
        [TokenTree::Ident(name), rest @ ..] => Some((name.clone(), rest)),
        _ => None,
    }
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',')
}
