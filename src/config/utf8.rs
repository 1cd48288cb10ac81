//! From the bytes of a file to its text, which must be UTF-8.

use std::sync::Arc;

use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::source::SourceFile;
use crate::config::yaml::Span;

impl SourceFile {
    /// A file of this name and what was read from disk.
    ///
    /// # Errors
    ///
    /// One fault, where the bytes are not UTF-8.
    pub fn from_bytes(name: impl Into<Arc<str>>, bytes: Vec<u8>) -> Result<Self, Diagnostics> {
        let name = name.into();
        String::from_utf8(bytes).map(|text| Self::new(Arc::clone(&name), text)).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            // The part before the offset is the same in the lossy copy, so positions in it hold.
            let shown = Self::new(name, String::from_utf8_lossy(error.as_bytes()));
            let span = Span::at_offset(&shown.text, offset);
            let message = format!("the file is not UTF-8: found the byte 0x{:02x}", error.as_bytes()[offset]);
            Diagnostic::in_file(&shown, span, message).with_help("save the file as UTF-8").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_refused_with_their_place() {
        let faults = SourceFile::from_bytes("a.yaml", b"domain: a\nkey: b\xffc\n".to_vec()).unwrap_err();
        let expected = "\
error: the file is not UTF-8: found the byte 0xff
 --> a.yaml:2:7
  |
2 | key: b\u{fffd}c
  |       ^
  = help: save the file as UTF-8";
        assert_eq!(faults.to_string(), expected);
    }
}
