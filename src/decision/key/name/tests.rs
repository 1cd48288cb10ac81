//! Keys that are read again say what they were made of.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::decision::key::CounterKey;
use crate::decision::request::Entry;

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn key(domain: &str, period: Period, entries: &Entries) -> CounterKey {
    CounterKey::new(domain, period, entries.iter().map(|(key, value)| Entry { key, value }))
}

/// Bytes that end users like: structure, control characters, and more than fits.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let hostile = prop_oneof![Just(b'='), Just(b'|'), Just(b'%'), Just(b'#'), Just(b','), any::<u8>()];
    prop_oneof![vec(hostile, 0..8), vec(any::<u8>(), 0..90), vec(Just(b'a'), 0..80)]
}

#[track_caller]
fn check_unread(key: &str) {
    assert_eq!(CounterName::read(key.as_bytes()), None, "{key}");
}

#[test]
fn what_is_no_key_of_ours_is_not_read() {
    for key in [
        "",
        "replicas",
        "1|f",
        "1|f60",
        "2|f60|demo|a=b",
        "1|g60|demo|a=b",
        "1|f061|demo|a=b",
        "1|f060|demo|a=b",
        "1|f+60|demo|a=b",
        "1|f60|demo|a",
        "1|f60|demo|a=b=c",
        "1|f60|demo|a=b|",
        "1|f60|demo|a={b}",
        "1|f60|demo|a=b c",
        "1|f60|demo|a=%4",
        "1|f60|demo|a=%61",
        "1|f60|demo|a=%2f",
        "1|f60|demo|a=#12",
        "1|f60|demo|#12",
    ] {
        check_unread(key);
    }
    check_unread(&format!("1|f60|demo|a={}", "b".repeat(65)));
    check_unread(&format!("1|f60|demo{}", "|a=b".repeat(50)));
    assert!(CounterName::read(b"1|f60|demo|a=\xff").is_none());
}

#[test]
fn entries_are_written_for_people() {
    let entries = vec![(b"path".to_vec(), b"/a,b=c".to_vec()), (b"u".to_vec(), b"\x1b[31m\xff".to_vec())];
    let key = key("demo", Period::MINUTE, &entries);
    let name = CounterName::read(key.as_bytes()).unwrap();
    assert_eq!(name.entries_text(), "path=/a%2Cb%3Dc,u=%1B[31m%FF");
    let hashed = vec![(b"path".to_vec(), vec![b'a'; 65])];
    let key = self::key("demo", Period::MINUTE, &hashed);
    let text = CounterName::read(key.as_bytes()).unwrap().entries_text();
    assert_eq!(text, "path=#635361C48BB9EAB14198E76EA8AB7F1A41685D6AD62AA914");
    assert!(matches!(read_entries(&text), Err(EntriesFault::Hash(_))));
}

#[test]
fn entries_are_read_as_people_write_them() {
    let read = |text: &str| {
        let entries = read_entries(text)?;
        Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect::<Entries>())
    };
    assert_eq!(read("a=b,c="), Ok(vec![(b"a".to_vec(), b"b".to_vec()), (b"c".to_vec(), vec![])]));
    assert_eq!(read("path=/x?y=ü z"), Ok(vec![(b"path".to_vec(), "/x?y=ü z".as_bytes().to_vec())]));
    assert_eq!(read("a=%2c%2C%fF"), Ok(vec![(b"a".to_vec(), b",,\xff".to_vec())]));
    assert_eq!(read(""), Err(EntriesFault::Nothing));
    assert_eq!(read("a=b,c"), Err(EntriesFault::NoValue("c".into())));
    assert_eq!(read("a=100%"), Err(EntriesFault::Percent("a=100%".into())));
    assert_eq!(read("a=%ü"), Err(EntriesFault::Percent("a=%ü".into())));
}

proptest! {
    #[test]
    fn a_key_says_what_it_was_made_of(
        domain in prop_oneof!["[a-z_ü|{]{1,12}", "[a-z]{60,80}"],
        period in proptest::sample::select(&Period::UNITS),
        entries in vec((bytes(), bytes()), 0..5),
    ) {
        let key = key(&domain, period, &entries);
        let name = CounterName::read(key.as_bytes()).expect("a key of ours");
        prop_assert_eq!(name.kind.period, period);
        prop_assert!(name.domain.is(domain.as_bytes()));
        prop_assert!(!name.domain.is(b"another"));
        if let NamedEntries::Listed(named) = &name.entries {
            prop_assert_eq!(named.len(), entries.len());
            for ((key, value), (own_key, own_value)) in named.iter().zip(&entries) {
                prop_assert!(key.is(own_key) && value.is(own_value));
                prop_assert!(value.plain().is_none_or(|plain| plain == *own_value));
            }
        } else {
            prop_assert!(entries.len() > 1);
        }
        let text = name.entries_text();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
        if !entries.is_empty() && !text.contains('#') {
            let read = read_entries(&text).unwrap();
            prop_assert_eq!(read.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect::<Entries>(), entries);
        }
    }

    #[test]
    fn what_is_read_has_the_key_that_it_was_read_from(text in "1\\|f(1|60|3600)\\|[a-c%#]{0,3}(\\|[ab%]{0,3}=[ab%02]{0,4}){0,3}") {
        if let Some(name) = CounterName::read(text.as_bytes())
            && let (Some(domain), NamedEntries::Listed(parts)) = (name.domain.plain(), &name.entries)
            && let Some(entries) = parts.iter().map(|(key, value)| Some((key.plain()?, value.plain()?))).collect::<Option<Entries>>()
        {
            let key = key(std::str::from_utf8(&domain).unwrap_or("?"), name.kind.period, &entries);
            prop_assert!(std::str::from_utf8(&domain).is_err() || key.as_bytes() == text.as_bytes());
        }
    }

    #[test]
    fn entries_that_are_written_are_read_again(entries in vec((bytes(), bytes()), 1..4)) {
        let text = write_entries(entries.iter().map(|(key, value)| Entry { key, value }));
        let read = read_entries(&text).unwrap();
        prop_assert_eq!(read.into_iter().map(|entry| (entry.key, entry.value)).collect::<Entries>(), entries);
    }
}
