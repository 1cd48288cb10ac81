//! What is answered to which request under which rules: a table for each part of the protocol's description.

mod counting;
mod global;
mod identity;
mod matching;
mod overrides;
mod replaces;
mod several_limits;
mod table;
mod verdict;
mod windows;
