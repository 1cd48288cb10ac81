//! Why a request gets an error instead of an answer, and the statuses that say so on the wire.

use http::StatusCode;
use tonic::Code;

use crate::server::question::Refusal;
use crate::service::NoRules;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request is malformed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is nothing to decide by.
    #[error(transparent)]
    NoRules(#[from] NoRules),
}

impl Unanswered {
    /// Every reason's name.
    pub const NAMES: [&str; 6] = [
        "empty_domain",
        "no_descriptors",
        "too_many_descriptors",
        "too_many_entries",
        "unknown_unit",
        "no_rules",
    ];

    /// The reason's place in [`Unanswered::NAMES`], by which it is counted.
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Unanswered::Refused(Refusal::EmptyDomain) => 0,
            Unanswered::Refused(Refusal::NoDescriptors) => 1,
            Unanswered::Refused(Refusal::TooManyDescriptors { .. }) => 2,
            Unanswered::Refused(Refusal::TooManyEntries { .. }) => 3,
            Unanswered::Refused(Refusal::UnknownUnit { .. }) => 4,
            Unanswered::NoRules(_) => 5,
        }
    }

    /// The status of a gRPC call.
    #[must_use]
    pub const fn grpc_code(&self) -> Code {
        match self {
            Unanswered::Refused(_) => Code::InvalidArgument,
            Unanswered::NoRules(_) => Code::Unavailable,
        }
    }

    /// The status of an HTTP answer.
    #[must_use]
    pub const fn http_status(&self) -> StatusCode {
        match self {
            Unanswered::Refused(_) => StatusCode::BAD_REQUEST,
            Unanswered::NoRules(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
