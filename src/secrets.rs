//! Files that somebody else writes while we run: passwords, tokens, certificates and their keys.
//!
//! How they are read and looked at for changes, and PEM as it is in them. What they are good for belongs to those who name
//! them: the store's servers, the gRPC listener, `ratekeeper health` and the exporter of spans. A leaf: knows no layer.

pub mod pem;
pub mod watched;
