//! What came back, read only as far as it must be: the overall code and the gRPC status.
//!
//! Statuses and headers of an answer are skipped, not decoded: the generator must cost less than the server.

use std::fmt;

use bytes::Buf;
use prost::encoding::{DecodeContext, decode_key, decode_varint, skip_field};

use super::http2::fields::Fields;
use super::http2::wire::ERROR_NAMES;

/// `RateLimitResponse.overall_code`.
const OVERALL_CODE_FIELD: u32 = 1;
const CODE_OK: u64 = 1;
const CODE_OVER_LIMIT: u64 = 2;

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The request may pass.
    Ok,
    /// The request may not pass.
    OverLimit,
}

/// Why a request got no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallError {
    /// The server answered with this gRPC status.
    Status(i32),
    /// What answered is no gRPC server: this HTTP status.
    Http(u16),
    /// An answer that is not as the protocol has it.
    Malformed,
    /// The stream was reset with this HTTP/2 error code.
    Reset(u32),
    /// The connection broke while the request was under way.
    ConnectionLost,
    /// A lost connection could not be made again.
    ConnectionRefused,
    /// No answer in time.
    Timeout,
}

/// Names of the gRPC status codes, by number.
const STATUS_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The decision in one message, its gRPC prefix included.
///
/// # Errors
///
/// [`CallError::Malformed`] when it is not a whole uncompressed message with a known overall code.
pub fn read_decision(frame: &[u8]) -> Result<Decision, CallError> {
    let (prefix, mut message) = frame.split_at_checked(5).ok_or(CallError::Malformed)?;
    let len = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    if prefix[0] != 0 || usize::try_from(len) != Ok(message.len()) {
        return Err(CallError::Malformed);
    }
    match overall_code(&mut message) {
        Some(CODE_OK) => Ok(Decision::Ok),
        Some(CODE_OVER_LIMIT) => Ok(Decision::OverLimit),
        _ => Err(CallError::Malformed),
    }
}

/// Whether the head of the answer promises a gRPC message.
///
/// # Errors
///
/// The status, where the server answered without a message, or is none that speaks gRPC.
pub fn read_head(fields: &Fields) -> Result<(), CallError> {
    match fields.status {
        Some(200) => {}
        Some(status) => return Err(CallError::Http(status)),
        None => return Err(CallError::Malformed),
    }
    match fields.grpc_status {
        Some(_) => read_trailers(fields),
        None if fields.is_grpc => Ok(()),
        None => Err(CallError::Malformed),
    }
}

/// Whether the trailers say that the call succeeded.
///
/// # Errors
///
/// The status where it is not OK; [`CallError::Malformed`] where there is none.
pub fn read_trailers(fields: &Fields) -> Result<(), CallError> {
    match fields.grpc_status {
        Some(Some(0)) => Ok(()),
        Some(Some(code)) => Err(CallError::Status(code)),
        Some(None) | None => Err(CallError::Malformed),
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            CallError::Status(code) => {
                let name = usize::try_from(code).ok().and_then(|code| STATUS_NAMES.get(code));
                match name {
                    Some(name) => f.write_str(name),
                    None => write!(f, "grpc status {code}"),
                }
            }
            CallError::Reset(code) => {
                let name = usize::try_from(code).ok().and_then(|code| ERROR_NAMES.get(code));
                match name {
                    Some(name) => write!(f, "stream reset: {name}"),
                    None => write!(f, "stream reset: {code}"),
                }
            }
            CallError::Http(status) => write!(f, "http {status}"),
            CallError::Malformed => f.write_str("malformed answer"),
            CallError::ConnectionLost => f.write_str("connection lost"),
            CallError::ConnectionRefused => f.write_str("connection refused"),
            CallError::Timeout => f.write_str("timeout"),
        }
    }
}

/// Encoders write fields in order, so this is the first one; others are skipped all the same.
fn overall_code(message: &mut &[u8]) -> Option<u64> {
    while message.has_remaining() {
        let (field, wire_type) = decode_key(message).ok()?;
        if field == OVERALL_CODE_FIELD {
            return decode_varint(message).ok();
        }
        skip_field(wire_type, field, message, DecodeContext::default()).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frame: &[u8], expected: Result<Decision, CallError>) {
        assert_eq!(read_decision(frame), expected, "{frame:?}");
    }

    #[test]
    fn the_overall_code_decides() {
        check(&[0, 0, 0, 0, 2, 0x08, 1], Ok(Decision::Ok));
        check(&[0, 0, 0, 0, 2, 0x08, 2], Ok(Decision::OverLimit));
    }

    #[test]
    fn fields_before_and_after_it_are_skipped() {
        // Field 2 (a status of two bytes), then the code, then field 3.
        check(&[0, 0, 0, 0, 9, 0x12, 2, 0x08, 2, 0x08, 1, 0x1a, 1, 0], Ok(Decision::Ok));
    }

    #[test]
    fn anything_else_is_malformed() {
        let malformed = Err(CallError::Malformed);
        check(&[], malformed);
        check(&[0, 0, 0, 0], malformed);
        check(&[0, 0, 0, 0, 0], malformed);
        check(&[1, 0, 0, 0, 2, 0x08, 1], malformed);
        check(&[0, 0, 0, 0, 3, 0x08, 1], malformed);
        check(&[0, 0, 0, 0, 2, 0x08, 0], malformed);
        check(&[0, 0, 0, 0, 2, 0x12, 9], malformed);
    }

    #[test]
    fn statuses_are_read_from_head_and_trailers() {
        let fields = |status, grpc_status| Fields { status, is_grpc: true, grpc_status };
        let trailers = |grpc_status| fields(None, grpc_status);
        assert_eq!(read_trailers(&trailers(Some(Some(0)))), Ok(()));
        assert_eq!(read_trailers(&trailers(Some(Some(14)))), Err(CallError::Status(14)));
        assert_eq!(read_trailers(&trailers(Some(None))), Err(CallError::Malformed));
        assert_eq!(read_trailers(&trailers(None)), Err(CallError::Malformed));
        assert_eq!(read_head(&fields(Some(200), None)), Ok(()));
        assert_eq!(read_head(&fields(Some(200), Some(Some(3)))), Err(CallError::Status(3)));
        assert_eq!(read_head(&fields(Some(404), Some(Some(0)))), Err(CallError::Http(404)));
        assert_eq!(read_head(&fields(None, None)), Err(CallError::Malformed));
        let page = Fields { is_grpc: false, ..fields(Some(200), None) };
        assert_eq!(read_head(&page), Err(CallError::Malformed));
    }

    #[test]
    fn errors_have_the_names_that_grpc_gives_them() {
        assert_eq!(CallError::Status(14).to_string(), "UNAVAILABLE");
        assert_eq!(CallError::Status(99).to_string(), "grpc status 99");
        assert_eq!(CallError::Reset(7).to_string(), "stream reset: REFUSED_STREAM");
        assert_eq!(CallError::Reset(77).to_string(), "stream reset: 77");
    }
}
