//! Why no rule applies, and what to write where one should.

use crate::decision::key::name::{shown, write_entries};
use crate::decision::request::Entry;
use crate::decision::rules::walk::{End, Place, Walk, Why};

/// Characters of a key or value that a sentence quotes.
const MOST_QUOTED: usize = 60;

/// What to tell where a way ends at no rule.
pub(super) struct Hint {
    pub(super) why: String,
    pub(super) help: String,
}

/// What to tell of a way; nothing where it ends at a rule.
pub(super) fn of(domain: &str, entries: &[Entry<'_>], walk: &Walk<'_>) -> Option<Hint> {
    let hint = |why: String, help: String| Some(Hint { why, help });
    match &walk.end {
        End::Rule(_) => None,
        End::UnknownDomain(alike) => hint(
            format!("there are no rules of the domain `{domain}`, so everything passes"),
            match alike {
                Some(alike) => format!("did you mean the domain `{alike}`?"),
                None => "the domain is what the `domain` of Envoy's filter says; write a rule file that begins with it".into(),
            },
        ),
        End::NoEntries => {
            hint("a descriptor without entries meets no rule".into(), "write key=value,key=value".into())
        }
        End::NoMatch => Some(no_match(entries, walk)),
        End::TooDeep(left) => {
            let depth = entries.len() - left;
            let last = last(walk)?;
            hint(
                format!(
                    "the rules end at `{}`, which is for descriptors of {depth} of these {} entries; a rule applies only where the \
                     last entry leads to it",
                    last.path,
                    entries.len()
                ),
                format!(
                    "under `descriptors:` of {} ({}) write {}",
                    last.path,
                    last.location,
                    written(entries.get(depth)?)
                ),
            )
        }
        End::TooShallow(below, more) => {
            let last = last(walk)?;
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let paths: Vec<String> = below.iter().map(|place| format!("`{}`", place.path)).collect();
            hint(
                format!(
                    "`{}` has no `rate_limit`; it only leads on to {}{more}",
                    last.path,
                    paths.join(", ")
                ),
                format!(
                    "write a `rate_limit` at {}, or have the proxy send another entry behind these",
                    last.location
                ),
            )
        }
    }
}

fn no_match(entries: &[Entry<'_>], walk: &Walk<'_>) -> Hint {
    let depth = walk.steps.len();
    let (entry, candidates) = match (entries.get(depth - 1), walk.steps.last()) {
        (Some(entry), Some(step)) => (entry, step.candidates.as_slice()),
        _ => return Hint { why: "nothing matches".into(), help: String::new() },
    };
    let above = depth.checked_sub(2).and_then(|above| walk.steps.get(above)?.taken.as_ref());
    let (below, where_to) = match above {
        Some(taken) => (
            format!(" below `{}`", taken.place.path),
            format!("under `descriptors:` of {} ({})", taken.place.path, taken.place.location),
        ),
        None => (String::new(), "under `descriptors:` of the domain".to_owned()),
    };
    let asked = short(&write_entries(std::iter::once(*entry)));
    let elsewhere = candidates.iter().find(|candidate| candidate.why == Why::AnotherLevel);
    let alike = candidates.iter().find(|candidate| candidate.alike);
    let help = match (elsewhere, alike) {
        (_, Some(alike)) => format!("did you mean `{}`? ", alike.place.path),
        (Some(elsewhere), None) => format!(
            "the key stands at another level, as in `{}`: entries are matched in their order; ",
            elsewhere.place.path
        ),
        (None, None) => String::new(),
    };
    let help = format!("{help}to limit it, {where_to} write {}", written(entry));
    Hint { why: format!("nothing{below} matches {asked}"), help }
}

fn last<'w, 'r>(walk: &'w Walk<'r>) -> Option<&'w Place<'r>> {
    Some(&walk.steps.last()?.taken.as_ref()?.place)
}

/// A descriptor of a rule file for an entry.
fn written(entry: &Entry<'_>) -> String {
    let quoted = |part: &[u8]| format!("'{}'", short(&String::from_utf8_lossy(part)).replace('\'', "''"));
    let plain = |part: &[u8]| {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
        let begins = part.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/');
        match begins && part.len() <= MOST_QUOTED && part.iter().all(is_plain) {
            true => shown(part),
            false => quoted(part),
        }
    };
    format!(
        "`- {{key: {}, value: {}, rate_limit: {{unit: minute, requests_per_unit: 10}}}}`; without `value` it is for all values",
        plain(entry.key),
        plain(entry.value)
    )
}

/// The text, cut where it is long.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
