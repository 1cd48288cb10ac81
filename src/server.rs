//! The edge: everything that speaks to a network peer.
//!
//! Wire types are converted here and go no further in: beside the commands that are clients, this layer alone names tonic, axum,
//! hyper and our proto crate. It knows the use cases of `service`, and of stores their trait and what the admin pages show of
//! them; of files, those of sockets and certificates. Where rules and settings come from it does not know.

pub mod answer;
pub mod caller;
pub mod deadline;
pub mod question;
pub mod responder;
pub mod trace;
pub mod unanswered;

pub mod grpc;
pub mod health;
pub mod http;
pub mod json;
pub mod metrics;
pub mod transport;
