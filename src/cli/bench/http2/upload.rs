//! Flow control of what we send (RFC 9113, section 5.2): the server's windows, and a body that waits for them.
//!
//! Requests nearly always fit, so only one body can wait, and until it is through no other call begins.

use super::wire::{MAX_31_BITS, MAX_FRAME_LEN, flag, kind, put_frame};

/// Windows before anything has been agreed.
const DEFAULT_WINDOW: u32 = 65_535;

/// What the server lets us send.
#[derive(Debug)]
pub struct Upload {
    connection: i64,
    initial: u32,
    waiting: Option<Body>,
}

/// The rest of a body. The stream's window may be below nothing after the server has made all windows smaller.
#[derive(Debug)]
struct Body {
    stream: u32,
    window: i64,
    rest: Vec<u8>,
}

/// Why a window cannot become what the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a flow control window beyond its bounds")]
pub struct WindowOverflow;

impl Upload {
    /// For a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self { connection: DEFAULT_WINDOW.into(), initial: DEFAULT_WINDOW, waiting: None }
    }

    /// Whether the next call may begin.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_none()
    }

    /// Whether a body of this length can go out on a new stream at once and in one frame; if so, it has been accounted for.
    pub fn admit(&mut self, len: usize) -> bool {
        let window = self.connection.min(self.initial.into());
        let fits = len <= MAX_FRAME_LEN && i64::try_from(len).is_ok_and(|len| len <= window);
        if fits {
            self.connection -= signed(len);
        }
        fits
    }

    /// Sends a body on a new stream as far as the windows allow, and the rest as they grow.
    pub fn begin(&mut self, stream: u32, body: Vec<u8>, out: &mut Vec<u8>) {
        self.waiting = Some(Body { stream, window: self.initial.into(), rest: body });
        self.go_on(out);
    }

    /// The connection's window grows (stream 0), or that of a stream; others have sent all that they had.
    ///
    /// # Errors
    ///
    /// When the window would be too large.
    pub fn grow(&mut self, stream: u32, by: u32, out: &mut Vec<u8>) -> Result<(), WindowOverflow> {
        if stream == 0 {
            self.connection = checked(self.connection + i64::from(by))?;
        } else if let Some(body) = self.waiting.as_mut().filter(|body| body.stream == stream) {
            body.window = checked(body.window + i64::from(by))?;
        }
        self.go_on(out);
        Ok(())
    }

    /// The windows of all streams, new and old ones, change to what they would be had they begun with this.
    ///
    /// # Errors
    ///
    /// When a window would be too large.
    pub fn resize(&mut self, initial: u32, out: &mut Vec<u8>) -> Result<(), WindowOverflow> {
        checked(initial.into())?;
        let by = i64::from(initial) - i64::from(self.initial);
        self.initial = initial;
        if let Some(body) = &mut self.waiting {
            body.window = checked(body.window + by)?;
        }
        self.go_on(out);
        Ok(())
    }

    /// The stream is over. Whether its body was still on its way.
    pub fn forget(&mut self, stream: u32) -> bool {
        self.waiting.take_if(|body| body.stream == stream).is_some()
    }

    fn go_on(&mut self, out: &mut Vec<u8>) {
        while let Some(body) = &mut self.waiting {
            let window = usize::try_from(self.connection.min(body.window)).unwrap_or(0);
            let len = window.min(body.rest.len()).min(MAX_FRAME_LEN);
            if len == 0 {
                return;
            }
            let is_last = len == body.rest.len();
            let flags = if is_last { flag::END_STREAM } else { 0 };
            put_frame(out, kind::DATA, flags, body.stream, &body.rest[..len]);
            body.rest.drain(..len);
            body.window -= signed(len);
            self.connection -= signed(len);
            if is_last {
                self.waiting = None;
            }
        }
    }
}

impl Default for Upload {
    fn default() -> Self {
        Self::new()
    }
}

fn checked(window: i64) -> Result<i64, WindowOverflow> {
    if window <= i64::from(MAX_31_BITS) { Ok(window) } else { Err(WindowOverflow) }
}

/// Lengths of what is in memory.
fn signed(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
