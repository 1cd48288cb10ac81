//! A limit in short text: `10/s`, `500/h`, `100/5m`, `10/minute`.

use super::refuse_unlimited;
use super::window::abbreviated;
use crate::config::decode::{Decoder, Path, Reported, closest};
use crate::config::diagnostic::quote;
use crate::config::yaml::{Node, Value};
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::period::{NoPeriod, Period};
use crate::decision::rules::spec::{LimitSpec, QuotaSpec};
use crate::decision::unit::Unit;

const FORM: &str = "write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`";

/// Reads one limit.
pub(super) fn read(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    path: &Path<'_>,
) -> Result<LimitSpec, Reported> {
    let Value::Scalar(scalar) = &node.value else {
        let message = format!("a limit in `limits` must be text, not {}", node.description());
        return Err(decoder.report(
            node.span,
            path,
            message,
            format!("{FORM}; what has fields belongs under `rate_limits`"),
        ));
    };
    let text = &*scalar.text;
    if text.trim().eq_ignore_ascii_case("unlimited") {
        return Err(refuse_unlimited(decoder, node.span, path));
    }
    if let Some(list) = list(text) {
        let message = format!("{} is not one limit", scalar.quoted());
        return Err(decoder.report(node.span, path, message, format!("write a list: {list}")));
    }
    let Some((number, window)) = text.split_once('/') else {
        let message = format!("{} is no limit", scalar.quoted());
        return Err(decoder.report(node.span, path, message, FORM));
    };
    let limit = requests(number.trim())
        .and_then(|requests| Ok(Limit::new(requests, period(window.trim())?)))
        .map_err(|Wrong { what, help }| {
            decoder.report(node.span, path, format!("{}: {what}", scalar.quoted()), help)
        })?;
    Ok(LimitSpec { quota: QuotaSpec::Counted(limit), name: None, replaces: Vec::new(), cost: Cost::PLAIN })
}

/// The list that is meant by several limits in one text.
fn list(text: &str) -> Option<String> {
    let is_between = |sign: char| matches!(sign, ',' | ';') || sign.is_whitespace();
    let limits: Vec<&str> = text.split(is_between).filter(|limit| !limit.is_empty()).collect();
    let is_limit =
        |limit: &&str| limit.starts_with(|sign: char| sign.is_ascii_digit()) && limit.contains('/');
    (limits.len() > 1 && limits.iter().all(is_limit)).then(|| quote(&format!("[{}]", limits.join(", "))))
}

/// What is wrong with a part, and the remedy.
struct Wrong {
    what: String,
    help: String,
}

fn wrong<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), help: help.into() })
}

/// The number of hits.
fn requests(text: &str) -> Result<u32, Wrong> {
    if text.is_empty() {
        return wrong("the number is missing", FORM);
    }
    if text.starts_with('-') {
        let help = format!("{FORM}; before an item of a list write `- `, with a space");
        return wrong(format!("{} is no whole number", quote(text)), help);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong(format!("{} is no whole number", quote(text)), FORM);
    }
    if text.len() > 1 && text.starts_with('0') {
        return wrong(format!("{} begins with a zero, which means octal to some readers", quote(text)), FORM);
    }
    text.parse().or_else(|_| {
        wrong(format!("{} is too large", quote(text)), format!("write a number from 0 to {}", u32::MAX))
    })
}

/// The window's length.
fn period(text: &str) -> Result<Period, Wrong> {
    text.parse().or_else(|fault| match fault {
        NoPeriod::OutOfBounds => wrong(
            format!("a window {fault}"),
            "write one of any length in between, as in `10/s`, `10/36h`, `10/3650d`",
        ),
        NoPeriod::NotRead => not_read(text),
    })
}

fn not_read(text: &str) -> Result<Period, Wrong> {
    let form = "a window is one of s, m, h, d, w, or as in 30s, 5m, 36h, 1h30m, or a unit's name";
    if text.is_empty() {
        return wrong("the window is missing", form);
    }
    let meant = closest(text, &Unit::ALL.map(Unit::name)).or_else(|| abbreviated(text));
    let help = meant.map_or_else(|| form.to_owned(), |name| format!("did you mean `{name}`? {form}"));
    wrong(format!("{} is no window", quote(text)), help)
}
