//! What a page has people type: fenced blocks of the language `console`, and what must be done before them.
//!
//! In a block, lines that begin with `$ ` are commands and the others are what they print; a block without any such line is all
//! commands, in which lines that are set in, and `done`, belong to the one before. A command goes on in the next line after a `\`,
//! and to the end of its here document. `…` in what is printed stands
//! for anything within a line, and alone in a line for any lines. What a reader has done before, such as starting a server in
//! another terminal, stands in a comment of the page, `<!-- run` to `-->`.

use super::markdown::Page;

/// Why commands are looked at and not run: the comments that may be the first line of a block.
pub(crate) const NOT_RUN: [&str; 5] = [
    "# needs a cluster",
    "# needs a container engine",
    "# needs root on a machine of its own",
    "# needs minutes",
    "# needs names of yours",
];

/// One block of commands.
pub(crate) struct Console {
    /// The line of its fence.
    pub(crate) line: usize,
    /// Whether it is only looked at.
    pub(crate) is_not_run: bool,
    pub(crate) commands: Vec<Typed>,
}

/// A command, and what the page says that it prints, if it says so.
pub(crate) struct Typed {
    pub(crate) text: String,
    pub(crate) printed: Option<String>,
}

/// The blocks of commands of a page in their order, hidden ones too.
pub(crate) fn blocks(page: &Page) -> Vec<Console> {
    let typed = fences(page).into_iter().filter(|fence| matches!(fence.opening, "<!-- run" | "```console"));
    typed.map(|fence| Console::read(fence.line, &fence.body)).collect()
}

/// A fenced block of any language, or a hidden one.
pub(crate) struct Fence<'p> {
    pub(crate) line: usize,
    /// Its first line, with the language.
    pub(crate) opening: &'p str,
    pub(crate) body: Vec<&'p str>,
}

/// All such blocks of a page.
pub(crate) fn fences(page: &Page) -> Vec<Fence<'_>> {
    let mut lines = page.text.lines().zip(1..);
    let mut found = Vec::new();
    while let Some((opening, line)) = lines.next() {
        let end = match opening {
            "<!-- run" => "-->",
            fence if fence.starts_with("```") => "```",
            _ => continue,
        };
        let body = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != end).collect();
        found.push(Fence { line, opening, body });
    }
    found
}

impl Console {
    fn read(line: usize, body: &[&str]) -> Self {
        let is_not_run = body.first().is_some_and(|first| NOT_RUN.contains(first));
        let has_prompts = body.iter().any(|line| line.starts_with("$ "));
        let mut commands: Vec<Typed> = Vec::new();
        let mut lines = body.iter().copied().filter(|line| !NOT_RUN.contains(line));
        while let Some(line) = lines.next() {
            match (has_prompts, line.strip_prefix("$ "), commands.last_mut()) {
                (true, None, Some(last)) => {
                    let printed = last.printed.get_or_insert_default();
                    printed.push_str(line);
                    printed.push('\n');
                }
                (false, _, Some(last)) if line.starts_with(' ') || line == "done" => {
                    last.text.push('\n');
                    last.text.push_str(line);
                }
                (_, prompted, _) => {
                    commands.push(Typed { text: whole(prompted.unwrap_or(line), &mut lines), printed: None });
                }
            }
        }
        Self { line, is_not_run, commands }
    }

    /// All that is typed, as a script.
    pub(crate) fn script(&self) -> String {
        self.commands.iter().map(|command| command.text.clone() + "\n").collect()
    }
}

/// The whole of the command that begins with this line.
fn whole<'t>(first: &str, lines: &mut impl Iterator<Item = &'t str>) -> String {
    let mut text = first.to_owned();
    let mut last = first;
    while last.ends_with('\\') {
        let Some(next) = lines.next() else { break };
        text = text + "\n" + next;
        last = next;
    }
    let mark = text.split_once("<<").map(|(_, rest)| rest.trim_start_matches('-'));
    let word = |rest: &str| rest.trim_matches('\'').split(['\'', ' ', '\n']).next().unwrap().to_owned();
    let Some(mark) = mark.map(word).filter(|mark| mark.starts_with(char::is_uppercase)) else { return text };
    for line in lines {
        text = text + "\n" + line;
        if line == mark {
            break;
        }
    }
    text
}

/// Whether this was printed, with `…` for what differs from run to run.
pub(crate) fn is_as_printed(expected: &str, printed: &str) -> bool {
    let (expected, printed): (Vec<_>, Vec<_>) = (lines_of(expected), lines_of(printed));
    follow(&expected, &printed)
}

fn lines_of(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

fn follow(expected: &[&str], printed: &[&str]) -> bool {
    match (expected, printed) {
        ([], []) => true,
        (["…", rest @ ..], _) => (0..=printed.len()).any(|skipped| follow(rest, &printed[skipped..])),
        ([expected, rest @ ..], [line, further @ ..]) => is_like(expected, line) && follow(rest, further),
        _ => false,
    }
}

/// Columns may be as wide as they like, but what a caret points at is to the letter.
fn is_like(expected: &str, line: &str) -> bool {
    if expected.contains('^') {
        return expected == line;
    }
    let narrow = |text: &str| text.split("  ").filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    let trimmed = |text: &str| narrow(text).replace("   ", "  ");
    is_matched(&trimmed(expected), &trimmed(line))
}

fn is_matched(expected: &str, line: &str) -> bool {
    let Some((start, rest)) = expected.split_once('…') else { return expected == line };
    let Some(line) = line.strip_prefix(start) else { return false };
    (0..=line.len()).filter(|at| line.is_char_boundary(*at)).any(|at| is_matched(rest, &line[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { name: "a.md".into(), path: "a.md".into(), text: text.into() }
    }

    #[test]
    fn blocks_are_read_as_people_read_them() {
        let text = "<!-- run\nserve &\n-->\nwords\n```console\n$ one \\\n  two\nout\n$ cat <<'END'\na\nEND\n```\n\
            ```text\n$ not\n```\n```console\n# needs a cluster\nkubectl x\nkubectl y\n```\n";
        let blocks = blocks(&page(text));
        let told = blocks.iter().map(|block| {
            let typed = block.commands.iter().map(|it| (it.text.as_str(), it.printed.as_deref()));
            (block.line, block.is_not_run, typed.collect::<Vec<_>>())
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (1, false, vec![("serve &", None)]),
                (5, false, vec![("one \\\n  two", Some("out\n")), ("cat <<'END'\na\nEND", None)]),
                (16, true, vec![("kubectl x", None), ("kubectl y", None)]),
            ]
        );
    }

    #[test]
    fn an_ellipsis_stands_for_what_differs() {
        let check =
            |expected, printed, is_so| assert_eq!(is_as_printed(expected, printed), is_so, "{expected}");
        check("a\nb\n", "a\nb", true);
        check("a\n", "a\nb", false);
        check("a\n…\nc", "a\nb\nb\nc\n", true);
        check("a\n…", "a", true);
        check("took … ms in …", "took 3 ms in all", true);
        check("took … ms", "took 3 s", false);
        check("NAME  COUNT", "NAME     COUNT", true);
        check("NAME  COUNT", "NAME COUNT", false);
        check("  ^^", " ^^", false);
    }
}
