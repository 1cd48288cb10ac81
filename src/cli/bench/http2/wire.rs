//! Frames as they are on the wire: their heads, their padding, and the numbers that RFC 9113 gives to things.

/// A client's first bytes (section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of a frame's head.
pub const HEAD_LEN: usize = 9;

/// The most that a frame may carry unless it has been agreed otherwise, which we never do.
pub const MAX_FRAME_LEN: usize = 16_384;

/// The largest stream number and the largest flow control window.
pub const MAX_31_BITS: u32 = (1 << 31) - 1;

/// Frame types (section 6).
#[expect(missing_docs, reason = "the names are the specification's")]
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags; which ones mean something depends on the type.
#[expect(missing_docs, reason = "the names are the specification's")]
pub mod flag {
    pub const ACK: u8 = 0x1;
    pub const END_STREAM: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
    pub const PRIORITY: u8 = 0x20;
}

/// Settings (section 6.5.2).
#[expect(missing_docs, reason = "the names are the specification's")]
pub mod setting {
    pub const HEADER_TABLE_SIZE: u16 = 1;
    pub const ENABLE_PUSH: u16 = 2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    pub const MAX_FRAME_SIZE: u16 = 5;
}

/// `CANCEL` among the error codes (section 7).
pub const CANCEL: u32 = 8;

/// Names of the error codes, by number (section 7).
pub const ERROR_NAMES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// Bytes that follow.
    pub len: usize,
    /// The frame's type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
}

impl FrameHead {
    /// The head at the front of the bytes, once it is all there.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, kind, flags, s0, s1, s2, s3] = bytes.first_chunk::<HEAD_LEN>()?;
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        // The highest bit is reserved and must be ignored.
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & MAX_31_BITS;
        Some(Self { len, kind, flags, stream })
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What is left of the payload without its padding; nothing where the padding is longer than the rest.
    #[must_use]
    pub fn unpad<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        if !self.has(flag::PADDED) {
            return Some(payload);
        }
        let (&padding, rest) = payload.split_first()?;
        rest.get(..rest.len().checked_sub(padding.into())?)
    }
}

/// Appends a frame's head. Frames that we send are never longer than [`MAX_FRAME_LEN`].
pub fn put_head(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, len: usize) {
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    let stream = stream.to_be_bytes();
    out.extend_from_slice(&[len[1], len[2], len[3], kind, flags, stream[0], stream[1], stream[2], stream[3]]);
}

/// Appends a whole frame.
pub fn put_frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    put_head(out, kind, flags, stream, payload.len());
    out.extend_from_slice(payload);
}

/// A payload that is one number of 31 bits and nothing else.
#[must_use]
pub fn read_31_bits(payload: &[u8]) -> Option<u32> {
    read_32_bits(payload).map(|number| number & MAX_31_BITS)
}

/// A payload that is one number of 32 bits and nothing else.
#[must_use]
pub fn read_32_bits(payload: &[u8]) -> Option<u32> {
    payload.try_into().ok().map(u32::from_be_bytes)
}
