//! The way from the top of a tree to one value, kept on the stack and written out only for a fault.

use std::fmt;

/// A step and what came before it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// The value's name at the head of a message.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Root => "the file".to_owned(),
            Self::Field(_, name) => format!("`{name}`"),
            Self::Item(Self::Field(_, name), _) => format!("each item of `{name}`"),
            Self::Item(..) => "each item".to_owned(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
