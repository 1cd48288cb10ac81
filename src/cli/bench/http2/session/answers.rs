//! Frames that belong to a call: its answer, or why there is none.

use super::{Continued, Ended, MAX_BLOCK_LEN, STREAM_WINDOW, Session, SessionError};
use crate::cli::bench::answer::{CallError, Decision, read_decision, read_head, read_trailers};
use crate::cli::bench::http2::wire::{CANCEL, FrameHead, flag, kind, read_32_bits};

impl Session {
    pub(super) fn receive_data(
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

    pub(super) fn receive_headers(
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

    pub(super) fn receive_continuation(
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

    pub(super) fn receive_block(
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

    pub(super) fn receive_reset(
        &mut self,
        head: FrameHead,
        payload: &[u8],
        ended: &mut Vec<Ended>,
    ) -> Result<(), SessionError> {
        let code = read_32_bits(payload).ok_or(SessionError::Protocol("a reset of another length"))?;
        self.end(head, Err(CallError::Reset(code)), ended)
    }
}
