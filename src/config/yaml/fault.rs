//! What the parser says, and what to do about the mistakes that people make most.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

use super::limits::too_deep;
use super::span::Span;
use crate::config::diagnostic::Diagnostic;
use crate::config::source::SourceFile;

/// The fault behind a text that is not YAML.
pub(super) fn syntax(file: &SourceFile, error: &ScanError) -> Diagnostic {
    let mark = Span::from(*error.marker());
    let span = Span { end: mark.start.saturating_add(1), ..mark };
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return Diagnostic::in_file(file, span, too_deep()).with_help("write it flatter");
    }
    let (message, help) = words(error.kind());
    Diagnostic::in_file(file, span, format!("not valid YAML: {message}")).with_help(help)
}

/// The parser speaks of its own work ("did not find expected key"); the common cases are put into a writer's words.
fn words(kind: &ErrorKind) -> (Cow<'static, str>, &'static str) {
    use ErrorKind as E;
    let (message, help) = match kind {
        E::TabNotAllowed | E::TabInBlockIndentation | E::TabInIndentation | E::TabInPlainScalar => {
            ("a tab", "indent with spaces")
        }
        E::MissingAnchorOrAliasName => (
            "a text that begins with `*` or `&`",
            "put it in quotes, such as `\"*\"`; without, it is the sign of an alias",
        ),
        E::UnknownAnchor => (
            "an alias of an anchor that does not stand above",
            "put text that begins with `*` in quotes, or mark a value above with `&name`",
        ),
        E::UnexpectedCharacter { character } if character.is_control() => {
            ("a character that files cannot have", "take it out, or write it as an escape in double quotes")
        }
        E::UnexpectedCharacter { .. } => ("a text that begins with a sign", "put it in quotes"),
        E::MappingValueNotAllowed | E::MappingKeyNotAllowed | E::InvalidColonPlacement => (
            "a `:` where none can stand",
            "align the names of one mapping, and put text with `: ` in it in quotes",
        ),
        E::ExpectedBlockMappingKey | E::ExpectedBlockSequenceEntry | E::InvalidIndentation => (
            "this line does not belong to what stands above",
            "align it with its neighbours; items of a list begin with `- `",
        ),
        E::SimpleKeyExpected => ("a line without `:`", "write `name: value`"),
        E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent => {
            ("quotes that stay open", "close the quotes that were opened above")
        }
        E::UnclosedFlowCollection { .. }
        | E::UnexpectedEofFlowSequence
        | E::UnexpectedEofFlowMapping
        | E::ExpectedFlowMappingSeparator
        | E::ExpectedFlowSequenceSeparator => (
            "a bracket that stays open",
            "close the bracket that was opened above, and put commas between items",
        ),
        other => return (Cow::Owned(other.to_string()), "see how the lines around it are written"),
    };
    (Cow::Borrowed(message), help)
}
