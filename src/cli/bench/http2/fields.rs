//! What the header fields of an answer say, as far as anybody here wants to know.
//!
//! A library decodes them. A server that puts its fields into the table sends the same few bytes again and again,
//! all of them references; what such a block says holds until the table changes, so it is not decoded again.

use loona_hpack::Decoder;
use smallvec::SmallVec;

use super::request::DEFAULT_TABLE_SIZE;

/// A head and trailers, and the same without a date.
const REMEMBERED: usize = 4;

/// Blocks longer than this are not remembered.
const SHORT: usize = 16;

/// A field that is a reference of one byte into the tables (RFC 7541, section 6.1): no reference is 0, and 127
/// stands for a longer one.
const REFERENCES: std::ops::RangeInclusive<u8> = 0x81..=0xfe;

/// What one block of fields says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields {
    /// `:status`, where there is one that is a number.
    pub status: Option<u16>,
    /// Whether `content-type` is one of gRPC's.
    pub is_grpc: bool,
    /// `grpc-status`, where there is one; within it nothing where it is no number.
    pub grpc_status: Option<Option<i32>>,
}

/// Reads a connection's blocks, each exactly once and in their order.
pub struct FieldReader {
    decoder: Decoder<'static>,
    remembered: Vec<(SmallVec<[u8; SHORT]>, Fields)>,
}

/// Why the rest of the connection cannot be read either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("header fields that cannot be decoded")]
pub struct UnreadableFields;

impl FieldReader {
    /// For a new connection.
    #[must_use]
    pub fn new() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(DEFAULT_TABLE_SIZE as usize);
        Self { decoder, remembered: Vec::new() }
    }

    /// What the next block says.
    ///
    /// # Errors
    ///
    /// When it is not HPACK.
    pub fn read(&mut self, block: &[u8]) -> Result<Fields, UnreadableFields> {
        if let Some((_, fields)) = self.remembered.iter().find(|(known, _)| known.as_slice() == block) {
            return Ok(*fields);
        }
        let fields = self.decode(block)?;
        if !block.iter().all(|byte| REFERENCES.contains(byte)) {
            // The table may have changed.
            self.remembered.clear();
        } else if block.len() <= SHORT && self.remembered.len() < REMEMBERED {
            self.remembered.push((block.into(), fields));
        }
        Ok(fields)
    }

    fn decode(&mut self, block: &[u8]) -> Result<Fields, UnreadableFields> {
        let mut fields = Fields::default();
        self.decoder
            .decode_with_cb(block, |name, value| fields.add(&name, &value))
            .map_err(|_| UnreadableFields)?;
        Ok(fields)
    }
}

impl Default for FieldReader {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for FieldReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldReader").field("remembered", &self.remembered).finish_non_exhaustive()
    }
}

impl Fields {
    fn add(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b":status" => self.status = number(value),
            b"content-type" => self.is_grpc = is_grpc(value),
            b"grpc-status" => self.grpc_status = Some(number(value)),
            _ => {}
        }
    }
}

/// Also with the name of a format, as in `application/grpc+proto`, or a parameter; but gRPC-Web is not gRPC.
fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Fields = Fields { status: Some(200), is_grpc: true, grpc_status: None };

    fn read(reader: &mut FieldReader, block: &[u8]) -> Fields {
        reader.read(block).unwrap()
    }

    #[test]
    fn remembered_blocks_follow_the_table() {
        let mut reader = FieldReader::new();
        // `:status: 200`, then grpc-status with a new name and a place in the table.
        let insert = |status: u8| [&[0x88, 0x40, 11], &b"grpc-status"[..], &[1, status]].concat();
        let with = |status| Fields { status: Some(200), is_grpc: false, grpc_status: Some(Some(status)) };
        assert_eq!(read(&mut reader, &insert(b'0')), with(0));
        for _ in 0..3 {
            assert_eq!(read(&mut reader, &[0x88, 0x80 | 62]), with(0));
        }
        assert_eq!(read(&mut reader, &insert(b'7')), with(7));
        for _ in 0..3 {
            assert_eq!(read(&mut reader, &[0x88, 0x80 | 62]), with(7));
            assert_eq!(read(&mut reader, &[0x88, 0x80 | 63]), with(0));
        }
        // A size of 0 and back empties the table, so that the references lead nowhere.
        assert_eq!(read(&mut reader, &[0x20, 0x3f, 0xe1, 0x1f, 0x88]).status, Some(200));
        assert_eq!(reader.read(&[0x88, 0x80 | 62]), Err(UnreadableFields));
    }

    #[test]
    fn fields_are_read_from_literals() {
        let content_type =
            |value: &[u8]| [&[0x88, 0x0f, 16, u8::try_from(value.len()).unwrap()], value].concat();
        let mut reader = FieldReader::new();
        for grpc in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
            assert_eq!(read(&mut reader, &content_type(grpc.as_bytes())), OK, "{grpc}");
        }
        for other in ["text/html", "application/grpc-web", "application/json"] {
            assert!(!read(&mut reader, &content_type(other.as_bytes())).is_grpc, "{other}");
        }
        // grpc-status: x
        let block = [&[0x00, 11], &b"grpc-status"[..], &[1, b'x']].concat();
        assert_eq!(read(&mut reader, &block).grpc_status, Some(None));
    }

    #[test]
    fn what_is_no_hpack_is_an_error() {
        for block in
            [&[0x80][..], &[0x88, 0x40], &[0x00, 11, b'g'], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0xbe]]
        {
            assert_eq!(FieldReader::new().read(block), Err(UnreadableFields), "{block:?}");
        }
    }

    #[test]
    fn a_table_beyond_what_was_agreed_is_an_error() {
        // 4097 and a field behind it.
        assert_eq!(FieldReader::new().read(&[0x3f, 0xe2, 0x1f, 0x88]), Err(UnreadableFields));
    }
}
