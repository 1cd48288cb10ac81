//! Names of headers.

use crate::config::decode::{Decoder, Field, Optional};
use crate::config::diagnostic::quote;

/// Longer than any name in use, and far below what proxies take.
const MAX_LENGTH: usize = 128;

impl Decoder<'_, '_> {
    /// A header's name: a token of RFC 9110, section 5.6.2.
    pub(super) fn header_name(&mut self, field: &Field<'_, '_>) -> Optional<String> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        if is_token(&text) {
            return Ok(Some(text));
        }
        let message = format!("`{}` must be the name of a header, not {}", field.name, quote(&text));
        Err(self.refuse(field, message, "write letters, digits and dashes, such as `RateLimit-Limit`"))
    }
}

fn is_token(text: &str) -> bool {
    let sign = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=MAX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || sign(byte))
}
