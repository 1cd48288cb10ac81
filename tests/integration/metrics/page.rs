//! Reads a page of metrics, strictly: anything that is not as its form has it fails the test.

use std::collections::{BTreeMap, BTreeSet};

/// Which form a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    OpenMetrics,
}

/// A family of samples.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) samples: Vec<Sample>,
}

/// One sample.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// Every family by the name that its samples have in common.
pub(super) fn parse(page: &str, form: Form) -> BTreeMap<String, Family> {
    let (mut families, mut current, mut series) = (BTreeMap::new(), String::new(), BTreeSet::new());
    let body = match form {
        Form::Text => page,
        Form::OpenMetrics => page.strip_suffix("# EOF\n").expect("a mark at the end"),
    };
    assert!(body.ends_with('\n') && !body.contains("# EOF") && !body.contains("# UNIT"), "{body}");
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(told) = line.strip_prefix("# HELP ") {
            let (name, help) = told.split_once(' ').unwrap();
            assert!(!help.trim().is_empty(), "no help for {name}");
            let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
            let kind = kind.unwrap_or_else(|| panic!("no type for {name}")).to_owned();
            let family = Family { kind, samples: Vec::new() };
            assert!(families.insert(name.to_owned(), family).is_none(), "{name} stands twice");
            name.clone_into(&mut current);
        } else {
            assert!(!line.starts_with('#'), "{line}");
            let family: &mut Family = families.get_mut(&current).unwrap();
            let sample = sample(line, form);
            assert!(series.insert((sample.name.clone(), sample.labels.clone())), "twice: {line}");
            check_name(&sample, &current, &family.kind, form);
            family.samples.push(sample);
        }
    }
    families
}

/// That a sample is called as its family and its type demand.
#[track_caller]
fn check_name(sample: &Sample, family: &str, kind: &str, form: Form) {
    let suffixes: &[&str] = match (kind, form) {
        ("histogram", _) => &["_bucket", "_sum", "_count"],
        ("counter", Form::OpenMetrics) => &["_total"],
        ("info", Form::OpenMetrics) => &["_info"],
        ("counter" | "gauge", _) => &[""],
        other => panic!("{family} is of the type {other:?}"),
    };
    let suffix = sample.name.strip_prefix(family).unwrap_or_else(|| panic!("{sample:?} in {family}"));
    assert!(suffixes.contains(&suffix), "{sample:?} in {family} of {kind}");
    assert_eq!(suffix == "_bucket", sample.labels.contains_key("le"), "{sample:?}");
}

fn sample(line: &str, form: Form) -> Sample {
    let name_end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(name_end);
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
    let mut labels = BTreeMap::new();
    if rest.starts_with('{') {
        (labels, rest) = read_labels(rest);
    }
    let rest = rest.strip_prefix(' ').unwrap();
    let value = match rest.split_once(" # ") {
        None => rest,
        Some((value, exemplar)) => {
            assert_eq!(form, Form::OpenMetrics, "an exemplar in {line}");
            let (labels, taken) = read_labels(exemplar);
            assert_eq!(labels["trace_id"].len(), 32, "{line}");
            taken.trim().parse::<f64>().unwrap();
            value
        }
    };
    let value: f64 = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(value.is_finite(), "{line}");
    Sample { name: name.to_owned(), labels }
}

/// The labels at the beginning of a text, and what comes after them.
fn read_labels(text: &str) -> (BTreeMap<String, String>, &str) {
    let (mut labels, mut rest) = (BTreeMap::new(), text.strip_prefix('{').unwrap());
    loop {
        let (name, value) = rest.split_once("=\"").unwrap();
        let (value, after) = unescaped(value);
        assert!(labels.insert(name.to_owned(), value).is_none(), "{text}");
        match after.split_at(1) {
            ("}", after) => return (labels, after),
            (",", after) => rest = after,
            _ => panic!("neither the end nor another label: {text}"),
        }
    }
}

/// A label's value up to its closing quote, and what comes after that.
fn unescaped(text: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().unwrap().1 {
                'n' => '\n',
                char @ ('"' | '\\') => char,
                other => panic!("\\{other} in {text}"),
            }),
            char => value.push(char),
        }
    }
    panic!("no end of {text}")
}
