//! Files that somebody else writes while we run: passwords, tokens, certificates and their keys.
//!
//! How they are read and looked at for changes, and PEM as it is in them. What they are good for belongs to those who name
//! them: the store's servers and the gRPC listener. A leaf: knows no layer.

pub mod pem;
pub mod watched;
