//! The head of our requests, encoded once in every form that a connection needs.
//!
//! The first request of a connection puts its fields into the server's table, and all later ones refer to them there,
//! which is six bytes and what a server gets from Envoy as well. To a server that wants no such table they go as
//! literals each time.

use crate::cli::bench::target::Target;

/// The table that a server offers unless it says otherwise (RFC 9113, section 6.5.2).
pub const DEFAULT_TABLE_SIZE: u32 = 4096;

/// What an entry takes up in the table beside its texts (RFC 7541, section 4.1).
const ENTRY_OVERHEAD: usize = 32;

/// Fields of the static table (RFC 7541, appendix A) as whole fields, and names in it.
const METHOD_POST: u8 = 0x80 | 3;
const SCHEME_HTTP: u8 = 0x80 | 6;
const NAME_AUTHORITY: u8 = 1;
const NAME_PATH: u8 = 4;
const NAME_CONTENT_TYPE: u8 = 31;
const NAME_IS_LITERAL: u8 = 0;

/// The four fields that went into the table, the first one being the oldest by then.
const FROM_TABLE: [u8; 4] = [0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62];

/// How a field is to be taken (RFC 7541, section 6.2), and how many bits are left for the name's number.
const WITH_INDEXING: (u8, u8) = (0x40, 6);
const WITHOUT_INDEXING: (u8, u8) = (0x00, 4);

/// A new table size of 0, which empties it (RFC 7541, section 6.3).
const EMPTY_TABLE: u8 = 0x20;

/// The path of the method that is called.
const METHOD_PATH: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// A request's head in its three forms.
#[derive(Debug, Clone)]
pub struct RequestHead {
    filling: Vec<u8>,
    filled: Vec<u8>,
    literal: Vec<u8>,
    entries_len: usize,
}

/// What a connection's server has been told so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Table {
    /// Nothing.
    #[default]
    Untouched,
    /// The fields, so that they can be referred to.
    Filled,
    /// That the table is not used any more.
    Given,
}

/// Why a request's head cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server's name is longer than a name can be")]
pub struct NameTooLong;

impl RequestHead {
    /// The head of requests to `target`.
    ///
    /// # Errors
    ///
    /// When its name is longer than names are (RFC 1035 has 255 bytes), which would not fit into one frame.
    pub fn new(target: &Target) -> Result<Self, NameTooLong> {
        let authority = target.authority();
        if authority.len() > 300 {
            return Err(NameTooLong);
        }
        let fields = [
            (NAME_PATH, "", METHOD_PATH),
            (NAME_AUTHORITY, "", authority.as_str()),
            (NAME_CONTENT_TYPE, "", "application/grpc"),
            (NAME_IS_LITERAL, "te", "trailers"),
        ];
        let names = [":path", ":authority", "content-type", "te"];
        let entry_len =
            |(name, field): (&str, &(u8, &str, &str))| ENTRY_OVERHEAD + name.len() + field.2.len();
        Ok(Self {
            filling: encode(WITH_INDEXING, &fields),
            filled: [&[METHOD_POST, SCHEME_HTTP], FROM_TABLE.as_slice()].concat(),
            literal: encode(WITHOUT_INDEXING, &fields),
            entries_len: names.into_iter().zip(&fields).map(entry_len).sum(),
        })
    }

    /// Appends the next request's head to `out`, for a server whose table has this size.
    pub fn write(&self, table: &mut Table, table_size: u32, out: &mut Vec<u8>) {
        // A table that shrank once is not filled again: that it may is seldom, and that it must be told is easily wrong.
        if *table == Table::Given || usize::try_from(table_size).is_ok_and(|size| size < self.entries_len) {
            if *table != Table::Given {
                out.push(EMPTY_TABLE);
            }
            *table = Table::Given;
            out.extend_from_slice(&self.literal);
        } else if *table == Table::Filled {
            out.extend_from_slice(&self.filled);
        } else {
            *table = Table::Filled;
            out.extend_from_slice(&self.filling);
        }
    }
}

fn encode((pattern, bits): (u8, u8), fields: &[(u8, &str, &str)]) -> Vec<u8> {
    let mut block = vec![METHOD_POST, SCHEME_HTTP];
    for &(name_index, name, value) in fields {
        put_integer(&mut block, pattern, bits, name_index.into());
        if name_index == NAME_IS_LITERAL {
            put_text(&mut block, name);
        }
        put_text(&mut block, value);
    }
    block
}

/// A length and plain bytes; the Huffman code would only cost the server time.
fn put_text(block: &mut Vec<u8>, text: &str) {
    put_integer(block, 0, 7, text.len());
    block.extend_from_slice(text.as_bytes());
}

/// An integer whose first bits share a byte with a pattern (RFC 7541, section 5.1).
fn put_integer(block: &mut Vec<u8>, pattern: u8, bits: u8, number: usize) {
    let limit = (1_u8 << bits) - 1;
    match u8::try_from(number) {
        Ok(small) if small < limit => block.push(pattern | small),
        _ => {
            block.push(pattern | limit);
            prost::encoding::encode_varint((number - usize::from(limit)) as u64, block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(authority: &str) -> RequestHead {
        RequestHead::new(&Target::Tcp { host: authority.to_owned(), port: 8081 }).unwrap()
    }

    fn expected(authority: &str) -> Vec<(String, String)> {
        let authority = format!("{authority}:8081");
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", METHOD_PATH),
            (":authority", &authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Decodes requests as one connection's server would, whose table changes its size on the way.
    #[track_caller]
    fn check(authority: &str, table_sizes: &[u32]) {
        let (head, mut table) = (head(authority), Table::default());
        let mut server = loona_hpack::Decoder::new();
        for &size in table_sizes {
            let mut block = Vec::new();
            head.write(&mut table, size, &mut block);
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let fields = server.decode(&block).unwrap();
            let fields: Vec<_> = fields.into_iter().map(|(name, value)| (text(name), text(value))).collect();
            assert_eq!(fields, expected(authority), "{table_sizes:?}");
        }
    }

    #[test]
    fn every_request_says_the_same_to_any_table() {
        check("127.0.0.1", &[4096, 4096, 4096]);
        check(&"n".repeat(250), &[65_536, 4096, 4096]);
        check("127.0.0.1", &[0, 0, 0]);
        check("127.0.0.1", &[4096, 4096, 100, 100, 4096]);
    }

    #[test]
    fn later_requests_are_a_few_bytes() {
        let (head, mut table) = (head("ratelimit.mesh"), Table::default());
        head.write(&mut table, DEFAULT_TABLE_SIZE, &mut Vec::new());
        let mut block = Vec::new();
        head.write(&mut table, DEFAULT_TABLE_SIZE, &mut block);
        assert_eq!(block.len(), 6);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let target = Target::Tcp { host: "n".repeat(301), port: 1 };
        assert_eq!(RequestHead::new(&target).err(), Some(NameTooLong));
    }
}
