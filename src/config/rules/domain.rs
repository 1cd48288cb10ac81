//! The top of a rule file: the domain's name and its first level of descriptors.

use super::descriptor::{self, Level};
use super::fields;
use crate::config::decode::{Decoder, Optional, Path, Reported, Source};
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::source::SourceFile;
use crate::config::yaml::{self, Node, Reading, Span};

/// What one file says of its domain.
pub(super) struct FileDomain {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) span: Span,
    pub(super) level: Level,
}

/// Reads one file; nothing where there is no domain to speak of.
pub(super) fn read(file: &SourceFile, faults: &mut Diagnostics) -> Option<FileDomain> {
    match yaml::read(file, faults) {
        Reading::Tree(root) => decode(&root, &mut Decoder::new(Source::File(file), faults)),
        Reading::Empty => {
            let fault = Diagnostic::of_file(file.name.clone(), "the file is empty")
                .with_help("write `domain:` and `descriptors:`, or take the file away");
            faults.push(fault);
            None
        }
        Reading::Broken => None,
    }
}

fn decode(root: &Node<'_>, decoder: &mut Decoder<'_, '_>) -> Option<FileDomain> {
    let path = Path::Root;
    let mut name: Optional<String> = Ok(None);
    let mut name_span = root.span;
    let mut level = Level::default();
    for field in decoder.fields(root, &path).ok()? {
        match field.name {
            "domain" => {
                name = decoder.text(&field);
                name_span = if field.node.is_null() { field.span } else { field.node.span };
            }
            "descriptors" => level = descriptor::level(decoder, &field, 1),
            _ => {
                if fields::Level::Domain.refuse(decoder, &field) == Some("domain") {
                    name = Err(Reported);
                }
            }
        }
    }
    let name = name.ok()?.filter(|name| !name.is_empty());
    if name.is_none() {
        let path = Path::Field(&path, "domain");
        decoder.report(
            name_span,
            &path,
            "the domain has no name",
            "write `domain: name`, with the name that Envoy sends",
        );
    }
    Some(FileDomain { name: name?, span: name_span, level })
}
