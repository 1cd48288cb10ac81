//! Which form of metrics a scraper gets: what its `Accept` says it likes best, and Prometheus's text format where it does not
//! care.

/// A form of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's own text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// The same, for those who ask for its draft.
    OpenMetricsDraft,
}

/// How much a form is liked: first by its quality in thousandths, then by how exactly it was named.
type Liking = (u16, u8);

/// How exact the name of a form is, without its version.
const NAMED: u8 = 2;

/// One part of `Accept`.
struct Range<'a> {
    kind: &'a str,
    version: Option<&'a str>,
    quality: u16,
}

impl Format {
    /// The form for this `Accept`, given as it came: `header` holds each of its lines.
    #[must_use]
    pub fn accepted<'a>(header: impl Iterator<Item = &'a str>) -> Self {
        let ranges: Vec<Range<'_>> =
            header.flat_map(|line| line.split(',')).filter_map(Range::read).collect();
        // The one before it is kept where both are liked as much.
        [Self::OpenMetrics, Self::OpenMetricsDraft].into_iter().fold(Self::Text, |best, format| {
            if format.liking(&ranges) > best.liking(&ranges) { format } else { best }
        })
    }

    /// Its content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::OpenMetricsDraft => "application/openmetrics-text; version=0.0.1; charset=utf-8",
        }
    }

    /// The part that names it most exactly counts; what is not wanted at all is liked no more for being named.
    fn liking(self, ranges: &[Range<'_>]) -> Liking {
        let exact = ranges.iter().filter_map(|range| Some((range.exactness(self)?, range.quality))).max();
        match exact {
            None | Some((_, 0)) => (0, 0),
            Some((exactness, quality)) => (quality, exactness.min(NAMED)),
        }
    }

    fn name(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Text => ("text/plain", "text/*", "0.0.4"),
            Self::OpenMetrics => ("application/openmetrics-text", "application/*", "1.0.0"),
            Self::OpenMetricsDraft => ("application/openmetrics-text", "application/*", "0.0.1"),
        }
    }
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self { kind: parts.next()?, version: None, quality: 1_000 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => range.quality = quality(value.trim())?,
                "version" => range.version = Some(value.trim().trim_matches('"')),
                // Whether names may be more than ASCII, say: ours are ASCII.
                _ => {}
            }
        }
        Some(range)
    }

    /// How exactly it names this form; nothing where it does not mean it.
    fn exactness(&self, format: Format) -> Option<u8> {
        let (kind, kinds, version) = format.name();
        let is = |kind: &str| self.kind.eq_ignore_ascii_case(kind);
        match self.version {
            Some(wanted) => (is(kind) && wanted == version).then_some(NAMED + 1),
            None if is(kind) => Some(NAMED),
            None if is(kinds) => Some(1),
            None => is("*/*").then_some(0),
        }
    }
}

/// A quality in thousandths.
fn quality(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,000")]
    (0.0..=1.0).contains(&quality).then(|| (quality * 1_000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &[&str], expected: Format) {
        assert_eq!(Format::accepted(accept.iter().copied()), expected, "{accept:?}");
    }

    #[test]
    fn text_is_for_all_who_do_not_prefer_openmetrics() {
        for accept in [
            "",
            "*/*",
            "text/html, */*;q=0.8",
            "text/plain",
            "text/plain;version=0.0.4, application/openmetrics-text;q=0.9",
            "text/plain, application/openmetrics-text",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0, */*",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=nonsense",
            "application/json",
        ] {
            check(&[accept], Format::Text);
        }
        check(&[], Format::Text);
    }

    #[test]
    fn openmetrics_is_for_those_who_do() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
                            application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                            application/openmetrics-text;version=0.0.1;q=0.4,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                            text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for accept in [
            prometheus_2,
            prometheus_3,
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=1.0.0; Q=0.9, text/plain; q=0.899",
            "application/openmetrics-text, */*",
            "application/*, text/plain;q=0.5",
            "text/plain;q=0, */*",
        ] {
            check(&[accept], Format::OpenMetrics);
        }
        check(&["text/plain;q=0.5", "application/openmetrics-text"], Format::OpenMetrics);
    }

    #[test]
    fn the_draft_is_for_those_who_know_nothing_newer() {
        check(&["application/openmetrics-text; version=0.0.1,text/plain;q=0.5"], Format::OpenMetricsDraft);
        check(
            &["application/openmetrics-text;version=1.0.0;q=0.2,application/openmetrics-text;version=0.0.1"],
            Format::OpenMetricsDraft,
        );
    }
}
