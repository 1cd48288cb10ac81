//! The commands beside `serve`, each a struct of arguments and a function that runs it.
//!
//! They speak to a person at a terminal: results go to standard output, refusals are `anyhow` errors that
//! `main` prints.

pub mod bench;
