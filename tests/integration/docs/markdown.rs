//! As much of Markdown as our own pages use: fenced blocks, tables, links and code spans.

use std::path::{Path, PathBuf};

/// One page of the documentation.
pub(crate) struct Page {
    /// Its path within the project.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Every page of the project, but for what was built or installed into the checkout.
pub(crate) fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(root, root, &mut found);
    assert!(!found.is_empty());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Page>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect(root, &path, found);
            }
        } else if name.ends_with(".md") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push(Page { name, text: std::fs::read_to_string(&path).unwrap(), path });
        }
    }
}

impl Page {
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    /// The fenced blocks of a language, each with the line of its fence.
    pub(crate) fn blocks(&self, language: &str) -> Vec<(usize, String)> {
        let fence = format!("```{language}");
        let lines: Vec<_> = self.text.lines().collect();
        let starts = lines.iter().enumerate().filter(|(_, line)| **line == fence);
        let block = |start: usize| {
            lines[start + 1..]
                .iter()
                .take_while(|line| **line != "```")
                .fold(String::new(), |text, line| text + line + "\n")
        };
        starts.map(|(start, _)| (start + 1, block(start))).collect()
    }

    /// The cells of the table under this heading.
    pub(crate) fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let rows = self.text.lines().skip_while(|line| *line != heading).skip(2);
        rows.take_while(|line| line.starts_with('|')).map(cells).collect()
    }

    /// The cells of all tables under such headings.
    pub(crate) fn tables(&self, heading: &str) -> Vec<Vec<String>> {
        let mut inside = false;
        let rows = self.text.lines().filter(|line| {
            let is_heading = *line == heading;
            inside = is_heading || (inside && line.starts_with('|'));
            inside && !is_heading && !line.starts_with("|--")
        });
        rows.map(cells).collect()
    }

    /// Where the links lead.
    pub(crate) fn links(&self) -> impl Iterator<Item = &str> {
        self.prose().flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next())
    }

    /// What stands between backticks within a line.
    pub(crate) fn code_spans(&self) -> impl Iterator<Item = &str> {
        self.prose().flat_map(|line| line.split('`').skip(1).step_by(2))
    }

    /// The lines outside of fenced blocks.
    fn prose(&self) -> impl Iterator<Item = &str> {
        let mut fenced = false;
        self.text.lines().filter(move |line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
    }
}

/// The cells of a row. A bar within a cell has no blanks around it; empty cells get two, so that it is seen where they end.
fn cells(row: &str) -> Vec<String> {
    let row = row.replace("| |", "|  |").replace("| |", "|  |");
    row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
}

/// The anchor of a heading.
pub(crate) fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}
