//! What came of a question, in one line.

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server is well; what it said.
    Healthy(String),
    /// It is not, or nobody knows.
    NotHealthy {
        /// What was asked, and what came.
        what: String,
        /// What to do.
        help: String,
    },
}

/// The most characters of an answer that are shown.
const MOST_SHOWN: usize = 300;

/// The most lines of an answer that are shown: of what is wrong with rules, the first fault and where it is.
const MOST_LINES: usize = 3;

/// What a server wrote, as one line that is fit to print.
pub(super) fn one_line(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let shown: Vec<_> = lines.by_ref().take(MOST_LINES).collect();
    let shown = shown.join(": ").replace(": -->", " -->");
    let rest = if lines.next().is_some() || shown.chars().count() > MOST_SHOWN { " …" } else { "" };
    let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
    shown.chars().take(MOST_SHOWN).map(printable).collect::<String>() + rest
}
