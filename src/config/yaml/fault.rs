//! What the parser says, and what to do about the mistakes that people make most.
//!
//! The parser tells where it can go no further, which may be far behind the mistake; the files below find the mistake itself.

mod opened;
mod space;
mod tab;

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

use super::limits::too_deep;
use super::span::Span;
use crate::config::diagnostic::{Diagnostic, quote};
use crate::config::source::SourceFile;
use opened::Opened;

pub(crate) use space::unspaced_name;

/// How far a file was read when the parser could go no further.
#[derive(Debug, Clone, Default)]
pub(super) struct Read {
    /// Up to this byte everything has become part of a value.
    pub(super) to: usize,
    /// Where the collections begin that were open then.
    pub(super) open: Vec<usize>,
}

/// A mistake, where it was made.
struct Mistake {
    span: Span,
    message: Cow<'static, str>,
    help: Cow<'static, str>,
}

/// The fault behind a text that is not YAML.
pub(super) fn syntax(file: &SourceFile, error: &ScanError, read: &Read) -> Diagnostic {
    let mark = Span::from(*error.marker());
    let span = Span { end: mark.start.saturating_add(1), ..mark };
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return Diagnostic::in_file(file, span, too_deep()).with_help("write it flatter");
    }
    let Mistake { span, message, help } = found(&file.text, error.kind(), span, read).unwrap_or_else(|| {
        let (message, help) = words(error.kind());
        Mistake { span, message, help: help.into() }
    });
    Diagnostic::in_file(file, span, format!("not valid YAML: {message}")).with_help(help)
}

/// The mistake itself, where it lies before the place that the parser tells of.
fn found(text: &str, kind: &ErrorKind, span: Span, read: &Read) -> Option<Mistake> {
    use ErrorKind as E;
    match kind {
        E::TabNotAllowed | E::TabInBlockIndentation | E::TabInIndentation | E::TabInPlainScalar => {
            let (message, help) = words(kind);
            Some(Mistake { span: tab::find(text, span)?, message, help: help.into() })
        }
        E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent => {
            let (message, _) = words(kind);
            let Opened { span, close } = opened::quotes(text, read)?;
            let help = format!("add the closing `{close}`; all that follows is read as if it stood inside").into();
            Some(Mistake { span, message, help })
        }
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => {
            Some(bracket(text, span, read).unwrap_or(Mistake {
                span,
                message: "items in brackets without a comma between them".into(),
                help: "put a comma between two items, close the bracket behind the last, and put text with `: ` in it in quotes".into(),
            }))
        }
        E::MappingValueNotAllowed
        | E::MappingKeyNotAllowed
        | E::InvalidColonPlacement
        | E::ExpectedBlockMappingKey
        | E::ExpectedBlockSequenceEntry
        | E::InvalidIndentation
        | E::SimpleKeyExpected => bracket(text, span, read).or_else(|| missing_space(text, span)),
        _ => None,
    }
}

fn bracket(text: &str, told: Span, read: &Read) -> Option<Mistake> {
    let Opened { span, close } =
        opened::bracket(text, read).filter(|bracket| bracket.span.line < told.line)?;
    let line = told.line;
    let help = format!("add the closing `{close}`; line {line} is read as if it stood inside").into();
    Some(Mistake { span, message: "a bracket that stays open".into(), help })
}

fn missing_space(text: &str, told: Span) -> Option<Mistake> {
    let (span, sign) = space::missing(text, told)?;
    let message = format!("no space after {}", quote(sign)).into();
    let help = match sign {
        "-" => "write `- item`; without a space this is text",
        _ => "write `name: value`; without a space this is text",
    };
    Some(Mistake { span, message, help: help.into() })
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
        E::UnclosedFlowCollection { .. } | E::UnexpectedEofFlowSequence | E::UnexpectedEofFlowMapping => {
            ("a bracket that stays open", "close it behind its last item, and put commas between items")
        }
        other => return (Cow::Owned(other.to_string()), "see how the lines around it are written"),
    };
    (Cow::Borrowed(message), help)
}
