//! The rules of all domains: what a rule file says ([`spec`]) and the compiled form that requests are matched on.

pub mod spec;
