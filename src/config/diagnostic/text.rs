//! Faults printed for people, in the form that compilers have made familiar.

use std::fmt;

use super::quote::clipped;
use super::{Diagnostic, Diagnostics, Origin};

/// How many faults are printed; whoever has more will not read them before mending the first.
const MAX_PRINTED: usize = 100;

/// How much of a field's path is printed, in characters: names may be of any length.
const MAX_PATH: usize = 300;

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.list.iter().take(MAX_PRINTED).enumerate() {
            f.write_str(if index == 0 { "" } else { "\n\n" })?;
            fault.fmt(f)?;
        }
        match self.len().saturating_sub(MAX_PRINTED) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line_number();
        let margin = " ".repeat(number.len());
        write!(f, "{}: {}\n{margin}--> {}", self.severity.name(), self.message, self.origin)?;
        if let Some(snippet) = &self.snippet {
            let (gap, marker) = (" ".repeat(snippet.before), "^".repeat(snippet.marked));
            let line = if snippet.line.is_empty() { "" } else { " " };
            write!(f, "\n{margin} |\n{number} |{line}{}\n{margin} | {gap}{marker}", snippet.line)?;
        }
        if !self.path.is_empty() {
            write!(f, "\n{margin} = field: {}", clipped(&self.path, MAX_PATH))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{margin} = help: {help}")?;
        }
        Ok(())
    }
}

impl Diagnostic {
    fn line_number(&self) -> String {
        match self.origin {
            Origin::File { position: Some(position), .. } => position.line.to_string(),
            _ => " ".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_printed_and_the_rest_counted() {
        let mut faults = Diagnostics::new();
        (0..2345).for_each(|_| faults.push(Diagnostic::of_file("a.yaml", "wrong")));
        let text = faults.to_string();
        assert_eq!(text.matches("error: wrong\n --> a.yaml").count(), 100);
        assert!(text.ends_with("\n\nand 2245 more"), "{text}");
    }

    #[test]
    fn a_fault_without_a_file_names_its_origin() {
        let fault = Diagnostic::new(Origin::Variable("RATEKEEPER_LISTEN__GRPC".into()), "no port")
            .with_path("listen.grpc")
            .with_help("write `host:port`");
        let expected = "\
error: no port
 --> environment variable RATEKEEPER_LISTEN__GRPC
  = field: listen.grpc
  = help: write `host:port`";
        assert_eq!(fault.to_string(), expected);
    }
}
