//! Frames that are about the connection, and what is answered to them.

use super::{CONNECTION_WINDOW, Ended, HEAD_LEN, MAX_REPLIES_LEN, PING, Progress, Session, SessionError};
use crate::cli::bench::answer::CallError;
use crate::cli::bench::http2::wire::{FrameHead, flag, kind, put_frame, read_31_bits, setting};

impl Session {
    pub(super) fn receive_settings(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), SessionError> {
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

    pub(super) fn receive_ping(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), SessionError> {
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

    pub(super) fn receive_goaway(
        &mut self,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
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

    pub(super) fn receive_window_update(
        &mut self,
        head: FrameHead,
        payload: &[u8],
    ) -> Result<(), SessionError> {
        match read_31_bits(payload) {
            Some(by) if by > 0 => Ok(self.upload.grow(head.stream, by, &mut self.out)?),
            _ => Err(SessionError::Protocol("a window that grows by nothing")),
        }
    }

    /// Opens the connection's window again, some megabytes at a time.
    pub(super) fn acknowledge(&mut self, len: usize) -> Result<(), SessionError> {
        self.unacknowledged += u32::try_from(len).unwrap_or(u32::MAX);
        if self.unacknowledged < CONNECTION_WINDOW / 2 {
            return Ok(());
        }
        let increment = std::mem::take(&mut self.unacknowledged).to_be_bytes();
        self.reply(kind::WINDOW_UPDATE, 0, 0, &increment)
    }

    pub(super) fn reply(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> Result<(), SessionError> {
        self.replies_len += HEAD_LEN + payload.len();
        if self.replies_len > MAX_REPLIES_LEN {
            return Err(SessionError::Protocol("a server that asks for more than it reads"));
        }
        put_frame(&mut self.out, kind, flags, stream, payload);
        Ok(())
    }
}
