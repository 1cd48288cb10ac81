//! YAML text as a tree of nodes that know where they stand.
//!
//! The tree is built from the parser's events instead of through serde, because the grammar above it wants what serde
//! takes away: the place of every name and value, the text of a scalar as it was written (`value: 1.0` is the text
//! `1.0` where text is wanted), repeated names with both places, and going on after a fault.

mod fault;
mod limits;
mod names;
mod node;
mod reader;
mod scalar;
mod span;

pub(crate) use fault::unspaced_name;
pub(crate) use node::{Entry, Node, Scalar, Value};
pub(crate) use reader::{Reading, read, read_apart};
pub(crate) use scalar::{Plain, resolve};
pub(crate) use span::Span;
