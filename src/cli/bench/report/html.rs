//! A run as one page of HTML that needs nothing else: no script, no network. It is well-formed XML, too.

use std::fmt;

use super::escape::Escaped;
use super::figure::{FIGURES, Figure, latency, number, ratio};
use super::json::PERCENTILES;
use super::plots;
use super::results::{Results, ServerResults};

const STYLE: &str = include_str!("page.css");

/// Shows the results.
#[derive(Debug)]
pub struct Page<'a>(pub &'a Results);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")?;
        f.write_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n")?;
        writeln!(f, "<title>ratekeeper bench: {}</title>", Escaped(&self.names()))?;
        writeln!(f, "<style>\n{STYLE}</style>\n</head>\n<body>\n<header>")?;
        self.write_head(f)?;
        writeln!(f, "</header>\n<main>\n<div class=\"plots\">")?;
        plots::server_cpu(self.0).iter().try_for_each(|plot| write!(f, "{plot}"))?;
        write!(f, "{}{}{}", plots::percentiles(self.0), plots::rate(self.0), plots::slow(self.0))?;
        writeln!(f, "</div>")?;
        self.write_figures(f)?;
        self.write_percentiles(f)?;
        self.write_rounds(f)?;
        self.write_circumstances(f)?;
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

impl Page<'_> {
    fn names(&self) -> String {
        self.0.servers.iter().map(|server| server.target.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<h1>What rate limit decisions cost</h1>")?;
        writeln!(f, "<p>{}</p>", Escaped(&self.0.load_in_words()))?;
        let (date, machine) = (Escaped(&self.0.date), self.0.machine.to_string());
        writeln!(f, "<p class=\"soft\"><time>{date}</time> on {}</p>", Escaped(&machine))?;
        if self.0.interrupted {
            writeln!(f, "<p class=\"warning\">The run was interrupted: this is what there was.</p>")?;
        }
        writeln!(f, "<ul class=\"legend\">")?;
        for (place, server) in self.0.servers.iter().enumerate() {
            let line = format!(r#"<polyline class="line s{place}" points="0,6 40,6"/>"#);
            write!(f, r#"<li><svg viewBox="0 0 40 12" aria-hidden="true">{line}</svg>"#)?;
            write!(f, "<span>{} <code>{}</code>", place + 1, Escaped(&server.target))?;
            server.pid.iter().try_for_each(|pid| write!(f, r#" <span class="soft">process {pid}</span>"#))?;
            writeln!(f, "</span></li>")?;
        }
        writeln!(f, "</ul>")?;
        if self.0.servers.iter().all(|server| server.pid.is_none()) {
            let advice = "name its process with <code>--pid</code> to have its CPU time and memory measured.";
            writeln!(f, "<p class=\"soft\">A server on this machine: {advice}</p>")?;
        }
        self.write_warnings(f)
    }

    fn write_warnings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(failure) = &self.0.failure {
            writeln!(f, "<p class=\"warning\">The run ended early: {}.</p>", Escaped(failure))?;
        }
        for server in &self.0.servers {
            let target = Escaped(&server.target);
            if !server.errors.is_empty() {
                let errors = server.errors_in_words();
                writeln!(f, "<p class=\"warning\"><code>{target}</code> failed: {}</p>", Escaped(&errors))?;
            }
            server.warning().iter().try_for_each(|warning| {
                writeln!(f, "<p class=\"warning\"><code>{target}</code>: {}</p>", Escaped(warning))
            })?;
        }
        Ok(())
    }

    fn write_figures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        begin_table(f, "Figures", ["server", "min", "median", "max", "ratio to the first"])?;
        for figure in FIGURES {
            let of = |server: &ServerResults| server.figure(figure.name).copied();
            if self.0.servers.iter().all(|server| of(server).is_none()) {
                continue;
            }
            let title = Escaped(figure.title);
            writeln!(f, r#"<tr class="group"><th colspan="5" scope="rowgroup">{title}</th></tr>"#)?;
            for server in &self.0.servers {
                let show = |value| number(value, figure.digits);
                let cells = of(server).map_or_else(
                    || ["–", "–", "–", ""].map(str::to_owned),
                    |summary| {
                        let spread = summary.spread;
                        let ratio = summary.ratio_to_first.map(ratio).unwrap_or_default();
                        [show(spread.min), show(spread.median), show(spread.max), ratio]
                    },
                );
                write_row(f, &server.target, &cells)?;
            }
        }
        end_table(f)
    }

    fn write_percentiles(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.servers.iter().map(|server| server.target.as_str());
        begin_table(f, "Latency by percentile, all rounds", std::iter::once("% of answers").chain(names))?;
        for percentile in PERCENTILES {
            let within = |server: &ServerResults| match server.latency.count() {
                0 => "–".to_owned(),
                _ => latency(server.latency.micros_within(percentile / 100.0)),
            };
            let cells: Vec<String> = self.0.servers.iter().map(within).collect();
            write_row(f, &percentile.to_string(), &cells)?;
        }
        end_table(f)
    }

    fn write_rounds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<&Figure> = FIGURES
            .into_iter()
            .filter(|figure| self.0.servers.iter().any(|server| server.figure(figure.name).is_some()))
            .collect();
        let titles = shown.iter().map(|figure| figure.title);
        begin_table(f, "Each round", ["server", "round"].into_iter().chain(titles))?;
        for server in &self.0.servers {
            for turn in &server.turns {
                let figures = shown.iter().map(|figure| figure.show(&turn.report));
                let cells: Vec<String> = std::iter::once(turn.round.to_string()).chain(figures).collect();
                write_row(f, &server.target, &cells)?;
            }
        }
        end_table(f)?;
        writeln!(
            f,
            r#"<p class="soft">Every second of every round is in the output of <code>--format json</code>.</p>"#
        )
    }

    fn write_circumstances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, command) = (self.0.machine.to_string(), quoted(&self.0.command));
        writeln!(f, "<h2>How it was measured</h2>\n<pre><code>{}</code></pre>", Escaped(&command))?;
        writeln!(f, "<dl>\n<dt>machine</dt><dd>{}</dd>", Escaped(&machine))?;
        writeln!(f, "<dt>began</dt><dd>{}</dd>", Escaped(&self.0.date))?;
        writeln!(f, "<dt>load made by</dt><dd>ratekeeper {}</dd>", Escaped(self.0.ratekeeper))?;
        let rounds = "Servers take turns under the same load; every other round goes backwards. \
            Figures are of whole rounds; a ratio compares two servers within a round.";
        writeln!(f, "<dt>rounds</dt><dd>{rounds}</dd>\n</dl>")
    }
}

/// A table that can be scrolled, by keyboard too, where it is wider than the screen.
fn begin_table<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    columns: impl IntoIterator<Item = &'a str>,
) -> fmt::Result {
    writeln!(f, "<h2>{title}</h2>")?;
    writeln!(f, r#"<div class="wide" role="region" aria-label="{title}" tabindex="0">"#)?;
    write!(f, "<table>\n<thead><tr>")?;
    columns.into_iter().try_for_each(|column| write!(f, r#"<th scope="col">{}</th>"#, Escaped(column)))?;
    writeln!(f, "</tr></thead>\n<tbody>")
}

fn write_row(f: &mut fmt::Formatter<'_>, name: &str, cells: &[String]) -> fmt::Result {
    // Where there is little room, an address is broken before its port, and a ratio before its range.
    write!(f, r#"<tr><th scope="row">{}</th>"#, Escaped(name).to_string().replace(':', ":<wbr/>"))?;
    cells.iter().try_for_each(|cell| match cell.split_once(' ') {
        Some((value, more)) => write!(f, "<td>{} <span>{}</span></td>", Escaped(value), Escaped(more)),
        None => write!(f, "<td>{}</td>", Escaped(cell)),
    })?;
    writeln!(f, "</tr>")
}

fn end_table(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "</tbody>\n</table>\n</div>")
}

/// The command as a shell takes it.
fn quoted(command: &[String]) -> String {
    let plain = |word: &str| {
        let harmless = |character: char| character.is_alphanumeric() || "-_./:=,@%+[]".contains(character);
        !word.is_empty() && word.chars().all(harmless)
    };
    let quote = |word: &String| {
        if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    command.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node, ParsingOptions};

    use super::super::sample::{EVIL, paced_turn, results, summed_up, turn};
    use super::*;

    fn check_page(results: &Results, check: impl FnOnce(&Document<'_>)) {
        let page = Page(results).to_string();
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        check(
            &Document::parse_with_options(&page, options).unwrap_or_else(|error| panic!("{error}\n{page}")),
        );
    }

    fn elements<'a>(page: &'a Document<'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
        page.descendants().filter(move |node| node.has_tag_name(name))
    }

    #[test]
    fn what_a_user_typed_is_text() {
        check_page(&results(), |page| {
            let names: Vec<_> = elements(page, "code").filter_map(|code| code.text()).collect();
            assert!(names.contains(&EVIL), "{names:?}");
            assert_eq!(elements(page, "b").count(), 0);
            let quoted = r#"ratekeeper bench h:1 --against 'unix:/tmp/<b>'\''x'\''&"y" z.sock'"#;
            assert!(names.contains(&quoted), "{names:?}");
        });
    }

    #[test]
    fn plots_are_told_to_those_who_do_not_see_them() {
        check_page(&results(), |page| {
            let plots: Vec<_> =
                elements(page, "svg").filter(|svg| svg.attribute("role") == Some("img")).collect();
            assert_eq!(plots.len(), 4);
            for plot in plots {
                let ids: Vec<_> = plot.attribute("aria-labelledby").unwrap().split(' ').collect();
                for (name, id) in ["title", "desc"].into_iter().zip(ids) {
                    let told = plot.children().find(|node| node.has_tag_name(name)).unwrap();
                    assert_eq!(told.attribute("id"), Some(id));
                    assert!(!told.text().unwrap().is_empty());
                }
            }
        });
    }

    #[test]
    fn every_server_has_its_lines_and_its_bar() {
        check_page(&results(), |page| {
            for class in [["line s0", "line solid s0"], ["line s1", "line solid s1"]] {
                let lines = elements(page, "polyline")
                    .filter(|line| line.attribute("class").is_some_and(|own| class.contains(&own)));
                // The legend, the percentiles, and three rounds of both plots over time.
                assert_eq!(lines.count(), 1 + 1 + 2 * 3, "{class:?}");
            }
            let bars: Vec<_> = elements(page, "rect").map(|bar| bar.attribute("class")).collect();
            assert_eq!(bars, [Some("bar s0"), Some("bar s1")]);
            let numbers = elements(page, "polyline")
                .flat_map(|line| line.attribute("points").unwrap().split([',', ' ']));
            assert!(
                numbers
                    .filter(|number| !number.is_empty())
                    .all(|number| number.parse::<f64>().unwrap().is_finite())
            );
        });
    }

    #[test]
    fn tables_have_the_figures() {
        check_page(&results(), |page| {
            let text = |cell: Node<'_, '_>| {
                cell.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
            };
            let cells: Vec<String> = elements(page, "td").map(text).collect();
            for expected in ["2.00 (1.25–3.00)", "33.00", "90 ms"] {
                assert!(cells.iter().any(|cell| cell == expected), "{expected}: {cells:?}");
            }
            for row in elements(page, "tr") {
                let width =
                    |cell: Node<'_, '_>| cell.attribute("colspan").map_or(1, |span| span.parse().unwrap());
                let columns = |row: Node<'_, '_>| -> usize { row.children().map(width).sum() };
                let head = row.ancestors().find(|node| node.has_tag_name("table")).unwrap();
                let head = head.descendants().find(|node| node.has_tag_name("tr")).unwrap();
                assert_eq!(columns(row), columns(head), "{row:?}");
            }
        });
    }

    #[test]
    fn who_names_no_process_is_told_what_that_would_give() {
        let advised = |results: &Results| Page(results).to_string().contains("<code>--pid</code>");
        assert!(!advised(&results()));
        let mut results = results();
        results.servers.iter_mut().for_each(|server| server.pid = None);
        assert!(advised(&results));
    }

    #[test]
    fn a_load_that_was_not_kept_up_is_told() {
        let warned = |late| {
            let page = Page(&summed_up(&["h:1"], vec![vec![paced_turn("h:1", 1, late)]])).to_string();
            assert!(page.contains("requests sent late by this program, p99, µs"));
            page.contains(r#"<p class="warning"><code>h:1</code>: in round 1, this program sent"#)
        };
        assert!(warned(2) && !warned(1));
        assert!(!Page(&results()).to_string().contains("sent late"));
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        let page = Page(&results()).to_string();
        for foreign in ["<script", "http:", "https:", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_page_of_little_is_a_page() {
        let mut nothing = turn("h:1", 1, 0.0, None);
        nothing.report.latencies = Default::default();
        nothing.report.slices.clear();
        nothing.report.interrupted = true;
        check_page(&summed_up(&["h:1"], vec![vec![nothing]]), |page| {
            assert_eq!(elements(page, "rect").count(), 0);
            assert!(elements(page, "p").any(|text| text.attribute("class") == Some("warning")));
        });
        check_page(&summed_up(&["h:1", "h:2"], vec![Vec::new(), Vec::new()]), |_| {});
    }
}
