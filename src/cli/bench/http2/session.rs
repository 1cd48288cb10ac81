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
    CANCEL, FrameHead, HEAD_LEN, MAX_31_BITS, MAX_FRAME_LEN, PREFACE, flag, kind, put_frame, put_head,
    read_31_bits, read_32_bits, setting,
};
use crate::cli::bench::answer::{CallError, Decision, read_decision, read_head, read_trailers};

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

    fn receive_data(
        &mut self,
        head: FrameHead,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        self.acknowledge(payload.len())?;
        let data = head.unpad(payload).ok_or(SessionError::Protocol("more padding than frame"))?;
        // Frames of a call that we have reset are on their way for a while.
        let Some(call) = self.calls.get_mut(&head.stream) else { return Ok(()) };
        let is_too_long = call.message.len() + data.len() > STREAM_WINDOW as usize;
        // An answer ends with trailers, not with its message.
        if !call.has_head || is_too_long || head.has(flag::END_STREAM) {
            return self.end(head, Err(CallError::Malformed), ended);
        }
        call.message.extend_from_slice(data);
        Ok(())
    }

    fn receive_headers(
        &mut self,
        head: FrameHead,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        let mut block = head.unpad(payload).ok_or(SessionError::Protocol("more padding than frame"))?;
        if head.has(flag::PRIORITY) {
            block = block.get(5..).ok_or(SessionError::Protocol("a priority that is cut short"))?;
        }
        if head.has(flag::END_HEADERS) {
            return self.receive_block(head.stream, head.has(flag::END_STREAM), block, ended);
        }
        let (stream, end_stream) = (head.stream, head.has(flag::END_STREAM));
        self.continued = Some(Continued { stream, end_stream, block: block.to_vec() });
        Ok(())
    }

    fn receive_continuation(
        &mut self,
        head: FrameHead,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        let error = SessionError::Protocol("header fields that do not go on as they began");
        let mut continued = self.continued.take().ok_or(error)?;
        if continued.stream != head.stream {
            return Err(error);
        }
        // Empty ones would go on for ever without growing.
        if payload.is_empty() && !head.has(flag::END_HEADERS)
            || continued.block.len() + payload.len() > MAX_BLOCK_LEN
        {
            return Err(SessionError::Protocol("header fields without an end"));
        }
        continued.block.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            return self.receive_block(continued.stream, continued.end_stream, &continued.block, ended);
        }
        self.continued = Some(continued);
        Ok(())
    }

    fn receive_block(
        &mut self,
        stream: u32,
        end_stream: bool,
        block: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        // Read even if nobody waits for it any more, because it may change the table.
        let fields = self.fields.read(block)?;
        let Some(call) = self.calls.get_mut(&stream) else { return Ok(()) };
        let outcome = if call.has_head {
            let whole = if end_stream { Ok(()) } else { Err(CallError::Malformed) };
            // A failed call may have no message, so the trailers come first.
            whole.and_then(|()| read_trailers(&fields)).and_then(|()| read_decision(&call.message))
        } else if fields.status.is_some_and(|status| (100..200).contains(&status)) && !end_stream {
            return Ok(());
        } else {
            match read_head(&fields) {
                Ok(()) if !end_stream => {
                    call.has_head = true;
                    return Ok(());
                }
                Ok(()) => Err(CallError::Malformed),
                Err(error) => Err(error),
            }
        };
        let flags = if end_stream { flag::END_STREAM } else { 0 };
        self.end(FrameHead { len: 0, kind: kind::HEADERS, flags, stream }, outcome, ended)
    }

    /// Ends the call that this frame belongs to, and tells the server unless both sides have sent everything.
    fn end(
        &mut self,
        head: FrameHead,
        outcome: Result<Decision, CallError>,
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        let Some(call) = self.calls.remove(&head.stream) else { return Ok(()) };
        ended.push((call.slot, outcome));
        let was_sending = self.upload.forget(head.stream);
        if head.kind != kind::RST_STREAM && (was_sending || !head.has(flag::END_STREAM)) {
            return self.reply(kind::RST_STREAM, 0, head.stream, &CANCEL.to_be_bytes());
        }
        Ok(())
    }

    fn receive_reset(
        &mut self,
        head: FrameHead,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        let code = read_32_bits(payload).ok_or(SessionError::Protocol("a reset of another length"))?;
        self.end(head, Err(CallError::Reset(code)), ended)
    }

    fn receive_settings(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), SessionError> {
        let (entries, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() || head.has(flag::ACK) && !payload.is_empty() {
            return Err(SessionError::Protocol("settings of another length"));
        }
        if head.has(flag::ACK) {
            return Ok(());
        }
        for &[n0, n1, v0, v1, v2, v3] in entries {
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            match u16::from_be_bytes([n0, n1]) {
                setting::HEADER_TABLE_SIZE => self.table_size = value,
                setting::MAX_CONCURRENT_STREAMS => {
                    self.max_calls = usize::try_from(value).unwrap_or(usize::MAX);
                }
                setting::INITIAL_WINDOW_SIZE => self.upload.resize(value, &mut self.out)?,
                // We never send longer frames than everybody must take, so the largest one is of no interest.
                _ => {}
            }
        }
        if self.progress == Progress::Opening {
            self.progress = Progress::Settled;
        }
        self.reply(kind::SETTINGS, flag::ACK, 0, &[])
    }

    fn receive_ping(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), SessionError> {
        if payload.len() != PING.len() {
            return Err(SessionError::Protocol("a ping of another length"));
        }
        if !head.has(flag::ACK) {
            return self.reply(kind::PING, flag::ACK, 0, payload);
        }
        if self.progress == Progress::Settled {
            self.progress = Progress::Ready;
        }
        Ok(())
    }

    fn receive_goaway(&mut self, payload: &[u8], ended: &mut Vec<Ended>) -> Result<(), SessionError> {
        let last = payload.get(..4).and_then(read_31_bits);
        let (Some(last), true) = (last, payload.len() >= 8) else {
            return Err(SessionError::Protocol("a farewell that is cut short"));
        };
        self.progress = Progress::Leaving;
        for (stream, call) in self.calls.extract_if(|stream, _| *stream > last) {
            self.upload.forget(stream);
            ended.push((call.slot, Err(CallError::ConnectionLost)));
        }
        Ok(())
    }

    fn receive_window_update(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), SessionError> {
        match read_31_bits(payload) {
            Some(by) if by > 0 => Ok(self.upload.grow(head.stream, by, &mut self.out)?),
            _ => Err(SessionError::Protocol("a window that grows by nothing")),
        }
    }

    /// Opens the connection's window again, some megabytes at a time.
    fn acknowledge(&mut self, len: usize) -> Result<(), SessionError> {
        self.unacknowledged += u32::try_from(len).unwrap_or(u32::MAX);
        if self.unacknowledged < CONNECTION_WINDOW / 2 {
            return Ok(());
        }
        let increment = std::mem::take(&mut self.unacknowledged).to_be_bytes();
        self.reply(kind::WINDOW_UPDATE, 0, 0, &increment)
    }

    fn reply(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<(), SessionError> {
        self.replies_len += HEAD_LEN + payload.len();
        if self.replies_len > MAX_REPLIES_LEN {
            return Err(SessionError::Protocol("a server that asks for more than it reads"));
        }
        put_frame(&mut self.out, kind, flags, stream, payload);
        Ok(())
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}
