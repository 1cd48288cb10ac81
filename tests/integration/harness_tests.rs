//! The harness itself, where it is more than a few lines: a tool that fails nothing would let every test pass.

mod cluster;
mod redis;
mod wire;
