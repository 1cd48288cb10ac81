//! The edge: everything that speaks to a network peer.
//!
//! Wire types are converted here and go no further in. This layer alone names tonic, axum, hyper and our
//! proto crate. It knows the use cases of `service`, and nothing of stores or files.

pub mod answer;
pub mod caller;
pub mod deadline;
pub mod question;
pub mod responder;
pub mod unanswered;

pub mod grpc;
pub mod health;
pub mod http;
pub mod json;
pub mod metrics;
pub mod transport;
