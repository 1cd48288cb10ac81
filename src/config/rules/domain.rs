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

/// Reads one file, whose sliding logs may be so long; nothing where there is no domain to speak of.
pub(super) fn read(file: &SourceFile, longest_log: u32, faults: &mut Diagnostics) -> Option<FileDomain> {
    read_flawless(file, longest_log).or_else(|| read_whole(file, longest_log, faults))
}

/// Reads a file that has no fault, and nothing of any other. Each descriptor is decoded as soon as it has been read: the tree of a
/// hundred thousand would outgrow every cache, and take more memory than the rules.
fn read_flawless(file: &SourceFile, longest_log: u32) -> Option<FileDomain> {
    let (mut faults, mut of_descriptors) = (Diagnostics::new(), Diagnostics::new());
    let mut level = Level::default();
    let mut decoder = Decoder::new(Source::File(file), &mut of_descriptors).with_longest_log(longest_log);
    let mut take = |node: Node<'_>| level.add_next(&mut decoder, &node);
    let Reading::Tree(root) = yaml::read_apart(file, "descriptors", &mut take, &mut faults) else {
        return None;
    };
    let mut domain =
        decode(&root, &mut Decoder::new(Source::File(file), &mut faults).with_longest_log(longest_log))?;
    if !level.descriptors.is_empty() {
        domain.level = level;
    }
    let is_flawless = faults.is_empty() && of_descriptors.is_empty() && !domain.level.has_repeated();
    is_flawless.then_some(domain)
}

/// Reads any file, and says all that is wrong with it.
fn read_whole(file: &SourceFile, longest_log: u32, faults: &mut Diagnostics) -> Option<FileDomain> {
    match yaml::read(file, faults) {
        Reading::Tree(root) => {
            decode(&root, &mut Decoder::new(Source::File(file), faults).with_longest_log(longest_log))
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::rules::spec::DescriptorSpec;

    const LONGEST_LOG: u32 = 1_000;

    /// Both ways to read a file without faults give the same.
    #[track_caller]
    fn check_same(text: &str) {
        let file = SourceFile::new("a.yaml", text);
        let mut faults = Diagnostics::new();
        let whole = read_whole(&file, LONGEST_LOG, &mut faults);
        assert_eq!(faults.to_string(), "");
        let apart = read_flawless(&file, LONGEST_LOG);
        assert!(apart.is_some(), "no fault, and yet not read in one go: {text}");
        assert_eq!(apart.map(parts), whole.map(parts), "{text}");
    }

    fn parts(domain: FileDomain) -> (String, Span, Vec<DescriptorSpec>, Vec<(usize, Span)>) {
        let places = domain.level.places.iter().map(|place| (place.index, place.span)).collect();
        (domain.name, domain.span, domain.level.descriptors, places)
    }

    #[test]
    fn a_file_without_faults_reads_the_same_in_one_go() {
        const LIMIT: &str = "rate_limit: {unit: day, requests_per_unit: 1}";
        check_same("domain: d");
        check_same("domain: d\ndescriptors:\n");
        check_same("domain: d\ndescriptors: []\n");
        check_same(&format!(
            "domain: d\ndescriptors:\n  - {{key: a, {LIMIT}}}\n  - key: b\n    descriptors:\n    - key: c\n      {LIMIT}\n"
        ));
        check_same(&format!("descriptors: [{{key: a, {LIMIT}}}, {{key: b}}]\ndomain: d\n"));
        check_same("{descriptors: [{key: a, descriptors: [{key: b}, {key: c}]}], domain: d}");
        check_same("domain: d\ndescriptors: &all\n  - key: a\n    descriptors: [{key: b}]\n");
        check_same(
            "domain: d\ndescriptors:\n  - &a {key: a}\n  - {<<: *a, value: x}\n  - key: b\n    descriptors: [*a]\n",
        );
        check_same("domain: d\n<<: {descriptors: [{key: a}]}\n");
        check_same("domain: d\n<<: {descriptors: [{key: a}]}\ndescriptors: [{key: b}]\n");
        check_same("domain: d\ndescriptors: [{key: a}]\n<<: {descriptors: [{key: b}], domain: e}\n");
    }

    #[test]
    fn a_file_with_a_fault_is_not_read_in_one_go() {
        for text in [
            "",
            "descriptors: [{key: a}]",
            "domain: d\ndescriptors: [{key: a}]\ndescriptors: [{key: b}]",
            "domain: d\ndescriptors: [{key: a}, {key: a}]",
            "domain: d\ndescriptors: [{key: a}, {kye: b}]",
            "domain: d\ndescriptors: [{key: a}]\nmore: 1",
            "domain: d\ndescriptors: &all [{key: a}]\n<<: *all",
            "domain: d\ndescriptors: [{key: a}]\n---\ndomain: e",
            "domain: d\ndescriptors: [{key: a}",
        ] {
            assert!(read_flawless(&SourceFile::new("a.yaml", text), LONGEST_LOG).is_none(), "{text}");
        }
    }
}
