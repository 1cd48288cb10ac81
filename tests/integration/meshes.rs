//! The examples that people paste into production: their own files, but for addresses and patience, with a real Envoy
//! in front of a real ratekeeper that has the example's rules.

mod client;
mod contour;
mod emissary;
mod example;
mod istio;
mod llm_tokens;
mod mtls;
mod names;
mod plain;
mod retries;
