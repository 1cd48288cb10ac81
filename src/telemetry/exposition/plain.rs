//! From OpenMetrics to Prometheus's own text format, line by line, as prometheus-client writes the one and not the other.
//!
//! They differ in what a family is called (there `decisions` with samples `decisions_total`, here `decisions_total`), in the
//! types that there are, and in exemplars, units and the mark at the end, which only OpenMetrics has.

use std::fmt;

/// Takes OpenMetrics in pieces of any size; gives text format 0.0.4.
#[derive(Debug, Default)]
pub(super) struct PlainText {
    text: String,
    /// The line that is not whole yet.
    line: String,
    /// What was told of the next family, whose type comes after it and decides its name.
    help: String,
}

impl PlainText {
    /// What was written, up to its last whole line.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn finish_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        match line.strip_prefix("# ") {
            None => self.push(&[without_exemplar(&line)]),
            Some(comment) => self.take_comment(comment),
        }
        // Its memory is used again for the next line.
        self.line = line;
        self.line.clear();
    }

    fn take_comment(&mut self, comment: &str) {
        let Some((word, told)) = comment.split_once(' ') else { return };
        match (word, told.split_once(' ')) {
            ("HELP", Some((_, help))) => help.clone_into(&mut self.help),
            ("TYPE", Some((name, kind))) => {
                let (suffix, kind) = plain(kind);
                let help = std::mem::take(&mut self.help);
                self.push(&["# HELP ", name, suffix, " ", &help]);
                self.push(&["# TYPE ", name, suffix, " ", kind]);
            }
            // The unit stands in the name as well.
            _ => {}
        }
    }

    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied().chain(["\n"]));
    }
}

impl fmt::Write for PlainText {
    fn write_str(&mut self, mut piece: &str) -> fmt::Result {
        while let Some((end, rest)) = piece.split_once('\n') {
            self.line.push_str(end);
            self.finish_line();
            piece = rest;
        }
        self.line.push_str(piece);
        Ok(())
    }
}

/// What a type of OpenMetrics adds to its family's name, and what it is called here.
fn plain(kind: &str) -> (&'static str, &str) {
    match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    }
}

/// The sample alone. A label's value may hold whatever else would mark the exemplar.
fn without_exemplar(sample: &str) -> &str {
    let (_, rest) = sample.split_at(end_of_labels(sample));
    match rest.find(" # ") {
        Some(at) => &sample[..sample.len() - rest.len() + at],
        None => sample,
    }
}

/// Where the labels of a sample end; 0 where it has none.
fn end_of_labels(sample: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in sample.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            // What comes before any brace is the value of a sample without labels.
            b' ' if !quoted => return 0,
            b'}' if !quoted => return at + 1,
            _ => {}
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::exemplar::HistogramWithExemplars;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::info::Info;
    use prometheus_client::registry::{Registry, Unit};

    use super::*;

    #[track_caller]
    fn check(registry: &Registry, expected: &str) {
        let mut page = PlainText::default();
        encode(&mut page, registry).unwrap();
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn a_counter_is_called_as_its_samples_are() {
        let mut registry = Registry::with_prefix("rk");
        let (counter, by_rule) =
            (Counter::<u64>::default(), Family::<Vec<(String, String)>, Counter>::default());
        counter.inc_by(3);
        let value = "a\"} 5 # {x=\"1\\\nend";
        by_rule.get_or_create(&vec![("rule".to_owned(), value.to_owned())]).inc();
        registry.register("calls", "Calls # made", counter);
        registry.register("decisions", "By rule", by_rule);
        check(
            &registry,
            "# HELP rk_calls_total Calls # made.\n# TYPE rk_calls_total counter\nrk_calls_total 3\n\
             # HELP rk_decisions_total By rule.\n# TYPE rk_decisions_total counter\n\
             rk_decisions_total{rule=\"a\\\"} 5 # {x=\\\"1\\\\\\nend\"} 1\n",
        );
    }

    #[test]
    fn info_is_a_gauge_and_a_unit_is_left_out() {
        let mut registry = Registry::default();
        registry.register("build", "Version", Info::new([("version", "1")]));
        registry.register_with_unit("age", "Age", Unit::Seconds, Gauge::<i64>::default());
        check(
            &registry,
            "# HELP build_info Version.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
             # HELP age_seconds Age.\n# TYPE age_seconds gauge\nage_seconds 0\n",
        );
    }

    #[test]
    fn exemplars_are_left_out() {
        let mut registry = Registry::default();
        let histogram = HistogramWithExemplars::<Vec<(String, String)>>::new([0.5].into_iter());
        histogram.observe(0.25, Some(vec![("trace_id".to_owned(), "ab".to_owned())]), None);
        registry.register("took", "Time", histogram);
        check(
            &registry,
            "# HELP took Time.\n# TYPE took histogram\ntook_sum 0.25\ntook_count 1\n\
             took_bucket{le=\"0.5\"} 1\ntook_bucket{le=\"+Inf\"} 1\n",
        );
        assert_eq!(without_exemplar("calls_total 5 # {trace_id=\"ab\"} 1.0"), "calls_total 5");
        assert_eq!(without_exemplar("calls_total 5"), "calls_total 5");
    }

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let openmetrics = "# HELP a A.\n# TYPE a unknown\na{b=\"ü\"} 1\n# EOF\n";
        let mut page = PlainText::default();
        openmetrics.chars().for_each(|char| page.write_char(char).unwrap());
        assert_eq!(page.into_text(), "# HELP a A.\n# TYPE a untyped\na{b=\"ü\"} 1\n");
    }
}
