//! Headers as callers write them, and as nobody should.

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn parent() -> Option<TraceContext> {
    let trace = TraceId::new(0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736).unwrap();
    Some(TraceContext { trace, span: SpanId::new(0x00f0_67aa_0ba9_02b7).unwrap() })
}

#[track_caller]
fn w3c(value: &str, expected: Option<bool>) {
    let expected = expected.map(|sampled| CallerTrace { parent: parent(), sampled: Some(sampled) });
    assert_eq!(CallerTrace::w3c(value.as_bytes()), expected, "{value}");
}

#[track_caller]
fn b3(value: &str, expected: Option<(Option<TraceContext>, Option<bool>)>) {
    let expected = expected.map(|(parent, sampled)| CallerTrace { parent, sampled });
    assert_eq!(CallerTrace::b3(value.as_bytes()), expected, "{value}");
}

#[test]
fn traceparent() {
    w3c(&format!("00-{TRACE}-{SPAN}-01"), Some(true));
    w3c(&format!("00-{TRACE}-{SPAN}-00"), Some(false));
    // Other flags are others' business.
    w3c(&format!("00-{TRACE}-{SPAN}-03"), Some(true));
    w3c(&format!("00-{TRACE}-{SPAN}-fe"), Some(false));
    // Of a version to come, what is known of it counts.
    w3c(&format!("cc-{TRACE}-{SPAN}-01"), Some(true));
    w3c(&format!("cc-{TRACE}-{SPAN}-01-what-else"), Some(true));
}

#[test]
fn a_malformed_traceparent_is_none() {
    for value in [
        String::new(),
        "00".into(),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("cc-{TRACE}-{SPAN}-01more"),
        format!("00-{TRACE}-{SPAN}"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{TRACE}-{SPAN}-0g"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{SPAN}-{TRACE}-01"),
        format!("00_{TRACE}_{SPAN}_01"),
        format!("00-{TRACE}-{SPAN}-01 "),
        "0".repeat(55),
        "-".repeat(55),
        format!("00-{TRACE}-{SPAN}-\u{e9}"),
    ] {
        w3c(&value, None);
    }
}

#[test]
fn b3_in_one_header() {
    b3(&format!("{TRACE}-{SPAN}-1"), Some((parent(), Some(true))));
    b3(&format!("{TRACE}-{SPAN}-d"), Some((parent(), Some(true))));
    b3(&format!("{TRACE}-{SPAN}-0"), Some((parent(), Some(false))));
    b3(&format!("{TRACE}-{SPAN}"), Some((parent(), None)));
    b3(&format!("{TRACE}-{SPAN}-1-{SPAN}"), Some((parent(), Some(true))));
    b3("0", Some((None, Some(false))));
    b3("d", Some((None, Some(true))));
    let short = TraceContext { trace: TraceId::new(0, 0xab).unwrap(), span: parent().unwrap().span };
    b3(&format!("00000000000000ab-{SPAN}-1"), Some((Some(short), Some(true))));
    for malformed in
        ["", "2", "-", "1-", "x-y-1", &format!("{TRACE}-{SPAN}-2"), &format!("{TRACE}-{SPAN}-1-x")]
    {
        b3(malformed, None);
    }
    b3(&format!("{TRACE}-{SPAN}-1-{SPAN}-1"), None);
}

#[test]
fn b3_in_several_headers() {
    let (trace, span) = (Some(TRACE.as_bytes()), Some(SPAN.as_bytes()));
    let all = B3Headers { trace, span, ..B3Headers::default() };
    let read = |headers| CallerTrace::b3_multi(headers).map(|read| (read.parent, read.sampled));
    let (one, zero): (Option<&[u8]>, Option<&[u8]>) = (Some(b"1"), Some(b"0"));
    assert_eq!(read(all), Some((parent(), None)));
    assert_eq!(read(B3Headers { sampled: one, ..all }), Some((parent(), Some(true))));
    assert_eq!(read(B3Headers { sampled: zero, ..all }), Some((parent(), Some(false))));
    assert_eq!(read(B3Headers { sampled: zero, flags: one, ..all }), Some((parent(), Some(true))));
    assert_eq!(read(B3Headers { sampled: zero, ..B3Headers::default() }), Some((None, Some(false))));
    assert_eq!(read(B3Headers { trace, ..B3Headers::default() }), None);
    assert_eq!(read(B3Headers { trace: span, span: trace, ..B3Headers::default() }), None);
    assert_eq!(read(B3Headers::default()), None);
}
