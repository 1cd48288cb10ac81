//! One connection's protocol: calls and bytes in, bytes and outcomes out.
//!
//! It owns neither the socket nor a clock. A server that breaks the protocol ends the session with an error;
//! what is wrong with one answer ends that call only.

use ahash::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::fields::{FieldReader, UnreadableFields};
use super::request::{DEFAULT_TABLE_SIZE, RequestHead, Table};
use super::upload::{Upload, WindowOverflow};
use super::wire::{
    FrameHead, HEAD_LEN, MAX_31_BITS, MAX_FRAME_LEN, PREFACE, flag, kind, put_frame, put_head, setting,
};
use crate::cli::bench::answer::{CallError, Decision};

mod answers;
mod control;

/// What a server may send before we say that we have read it: more than all answers under way, so that it never waits.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The same for one stream, which makes it the longest answer too: a stream's window is never made larger.
const STREAM_WINDOW: u32 = 1 << 20;

/// Windows of a connection before anything has been agreed.
const DEFAULT_WINDOW: u32 = 65_535;

/// Fields of an answer may be as long in all; real ones are some hundred bytes.
const MAX_BLOCK_LEN: usize = 64 << 10;

/// What may wait to be sent only because the server asks: acknowledgements, resets. More is an attack.
const MAX_REPLIES_LEN: usize = 64 << 10;

/// Our ping, which shows that who is there speaks HTTP/2.
const PING: [u8; 8] = *b"ratekeep";

/// A call that ended.
pub type Ended = (usize, Result<Decision, CallError>);

/// The state of a connection.
#[derive(Debug)]
pub struct Session {
    /// What is to be written.
    out: Vec<u8>,
    replies_len: usize,
    next_stream: u32,
    calls: HashMap<u32, Call, RandomState>,
    continued: Option<Continued>,
    fields: FieldReader,
    table: Table,
    table_size: u32,
    upload: Upload,
    max_calls: usize,
    unacknowledged: u32,
    progress: Progress,
}

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The server's settings must come first.
    Opening,
    /// Settings are there, the answer to our ping is not.
    Settled,
    /// Calls may be made.
    Ready,
    /// The server goes away: what is under way may end.
    Leaving,
}

/// A request under way.
#[derive(Debug)]
struct Call {
    slot: usize,
    has_head: bool,
    message: SmallVec<[u8; 48]>,
}

/// A block of fields that goes on in the next frame.
#[derive(Debug)]
struct Continued {
    stream: u32,
    end_stream: bool,
    block: Vec<u8>,
}

/// How a server broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// What RFC 9113 forbids, or what is not HTTP/2 at all.
    #[error("{0}")]
    Protocol(&'static str),
    /// Fields that are not HPACK.
    #[error(transparent)]
    Fields(#[from] UnreadableFields),
    /// Windows out of bounds.
    #[error(transparent)]
    Window(#[from] WindowOverflow),
}

impl Session {
    /// A new connection, whose first bytes wait to be written.
    #[must_use]
    pub fn new() -> Self {
        let mut settings = Vec::new();
        for (name, value) in [(setting::ENABLE_PUSH, 0), (setting::INITIAL_WINDOW_SIZE, STREAM_WINDOW)] {
            settings.extend_from_slice(&name.to_be_bytes());
            settings.extend_from_slice(&value.to_be_bytes());
        }
        let mut out = PREFACE.to_vec();
        put_frame(&mut out, kind::SETTINGS, 0, 0, &settings);
        put_frame(&mut out, kind::WINDOW_UPDATE, 0, 0, &(CONNECTION_WINDOW - DEFAULT_WINDOW).to_be_bytes());
        put_frame(&mut out, kind::PING, 0, 0, &PING);
        Self {
            out,
            replies_len: 0,
            next_stream: 1,
            calls: HashMap::default(),
            continued: None,
            fields: FieldReader::new(),
            table: Table::default(),
            table_size: DEFAULT_TABLE_SIZE,
            upload: Upload::new(),
            max_calls: usize::MAX,
            unacknowledged: 0,
            progress: Progress::Opening,
        }
    }

    /// Whether the server has shown that it speaks HTTP/2.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.progress, Progress::Ready | Progress::Leaving)
    }

    /// Whether another call may begin now.
    #[must_use]
    pub fn can_call(&self) -> bool {
        self.progress == Progress::Ready
            && self.next_stream <= MAX_31_BITS
            && self.calls.len() < self.max_calls
            && self.upload.is_idle()
    }

    /// Whether no call will ever begin any more, so that the connection is of no use once all calls have ended.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.progress == Progress::Leaving || self.next_stream > MAX_31_BITS
    }

    /// Calls under way.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// Begins a call, which will be told by its slot when it ends. `write` appends a body of this length.
    pub fn call(&mut self, slot: usize, head: &RequestHead, len: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let stream = self.next_stream;
        self.next_stream += 2;
        self.calls.insert(stream, Call { slot, has_head: false, message: SmallVec::new() });

        let begin = self.out.len();
        put_head(&mut self.out, kind::HEADERS, flag::END_HEADERS, stream, 0);
        head.write(&mut self.table, self.table_size, &mut self.out);
        // The block is a few hundred bytes at most, so two bytes of the length are enough.
        let block_len = u16::try_from(self.out.len() - begin - HEAD_LEN).unwrap_or(u16::MAX);
        self.out[begin + 1..begin + 3].copy_from_slice(&block_len.to_be_bytes());

        if self.upload.admit(len) {
            put_head(&mut self.out, kind::DATA, flag::END_STREAM, stream, len);
            write(&mut self.out);
        } else {
            let mut body = Vec::with_capacity(len);
            write(&mut body);
            self.upload.begin(stream, body, &mut self.out);
        }
    }

    /// What is to be written.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// So many bytes of the output have been written.
    pub fn wrote(&mut self, len: usize) {
        if len >= self.out.len() {
            self.out.clear();
            self.replies_len = 0;
        } else {
            self.out.drain(..len);
        }
    }

    /// Takes all whole frames from the front of `bytes`, adds the calls that ended, and returns how many bytes it took.
    ///
    /// # Errors
    ///
    /// When the server broke the protocol; the session is of no more use then.
    pub fn receive(&mut self, bytes: &[u8], ended: &mut Vec<Ended>) -> Result<usize, SessionError> {
        let mut taken = 0;
        while let Some(head) = FrameHead::read(&bytes[taken..]) {
            if head.len > MAX_FRAME_LEN {
                return Err(SessionError::Protocol("a frame that is longer than agreed"));
            }
            let begin = taken + HEAD_LEN;
            let Some(payload) = bytes.get(begin..begin + head.len) else { break };
            self.receive_frame(head, payload, ended)?;
            taken = begin + head.len;
        }
        Ok(taken)
    }

    /// Ends all calls that are under way, because the connection is gone.
    pub fn abandon(&mut self, ended: &mut Vec<Ended>) {
        ended.extend(self.calls.drain().map(|(_, call)| (call.slot, Err(CallError::ConnectionLost))));
    }

    fn receive_frame(
        &mut self,
        head: FrameHead,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        if self.continued.is_some() != (head.kind == kind::CONTINUATION) {
            return Err(SessionError::Protocol("header fields that do not go on as they began"));
        }
        if self.progress == Progress::Opening && (head.kind != kind::SETTINGS || head.has(flag::ACK)) {
            return Err(SessionError::Protocol("a connection that does not begin with settings"));
        }
        let is_about_a_stream =
            matches!(head.kind, kind::DATA | kind::HEADERS | kind::RST_STREAM | kind::CONTINUATION);
        if is_about_a_stream && !self.was_opened(head.stream)
            || matches!(head.kind, kind::SETTINGS | kind::PING | kind::GOAWAY) && head.stream != 0
        {
            return Err(SessionError::Protocol("a frame on a stream that it cannot be on"));
        }
        match head.kind {
            kind::DATA => self.receive_data(head, payload, ended),
            kind::HEADERS => self.receive_headers(head, payload, ended),
            kind::CONTINUATION => self.receive_continuation(head, payload, ended),
            kind::RST_STREAM => self.receive_reset(head, payload, ended),
            kind::SETTINGS => self.receive_settings(head, payload),
            kind::PING => self.receive_ping(head, payload),
            kind::GOAWAY => self.receive_goaway(payload, ended),
            kind::WINDOW_UPDATE => self.receive_window_update(head, payload),
            kind::PUSH_PROMISE => Err(SessionError::Protocol("a push although we do not take any")),
            // Priorities are of no interest, and unknown frames must be ignored.
            _ => Ok(()),
        }
    }

    fn was_opened(&self, stream: u32) -> bool {
        stream % 2 == 1 && stream < self.next_stream
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_without_stream_numbers_is_leaving() {
        let head = RequestHead::new(&"localhost:1".parse().unwrap()).unwrap();
        let mut session = Session::new();
        session.progress = Progress::Ready;
        session.next_stream = MAX_31_BITS;
        assert!(session.can_call() && !session.is_leaving());
        session.call(0, &head, 0, |_| {});
        assert!(!session.can_call() && session.is_leaving() && session.open_calls() == 1);
    }
}
