//! The protocol of Redis, as little of it as the tests and their proxy need.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http::Failure;

/// Longer than any command here may take, so that a server that hangs is a failure and no hanging test.
const LIMIT: Duration = Duration::from_secs(10);

/// One value of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Nil,
    Integer(i64),
    /// Simple strings and bulk strings alike.
    Text(String),
    /// Code and words, as `WRONGTYPE Operation against …`.
    Error(String),
    List(Vec<Self>),
}

impl Reply {
    /// The number of an integer, or of a text that is one.
    pub(crate) fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            Self::Text(text) => text.parse().unwrap_or_else(|error| panic!("{error}: {text}")),
            other => panic!("no number: {other:?}"),
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("no text: {self:?}") };
        text
    }

    /// The items of a list.
    pub(crate) fn list(&self) -> &[Self] {
        let Self::List(items) = self else { panic!("no list: {self:?}") };
        items
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) | Self::Error(text) => f.write_str(text),
            Self::List(items) => f.debug_list().entries(items.iter().map(ToString::to_string)).finish(),
        }
    }
}

/// A command as clients send it.
pub(crate) fn command(words: &[&str]) -> Bytes {
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    bytes.into()
}

/// Takes the first whole value from the front of what was received, if it is all there.
pub(crate) fn take_frame(received: &mut BytesMut) -> Option<Bytes> {
    let length = frame_length(received)?;
    Some(received.split_to(length).freeze())
}

/// How many bytes the value at the front takes; nothing while its end has not come.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..head - 2]).ok()?.parse::<i64>().ok();
    let mut length = head;
    match bytes[0] {
        b'$' | b'=' => length += usize::try_from(number()?).map_or(0, |size| size + 2),
        kind @ (b'*' | b'>' | b'~' | b'%') => {
            let items = number()? * if kind == b'%' { 2 } else { 1 };
            for _ in 0..items {
                length += frame_length(bytes.get(length..)?)?;
            }
        }
        _ => {}
    }
    (length <= bytes.len()).then_some(length)
}

/// Reads a whole value.
pub(crate) fn parse(mut frame: Bytes) -> Reply {
    parse_next(&mut frame)
}

fn parse_next(rest: &mut Bytes) -> Reply {
    let head = rest.windows(2).position(|pair| pair == b"\r\n").expect("a whole frame");
    let line = String::from_utf8_lossy(&rest[1..head]).into_owned();
    let kind = rest[0];
    rest.advance(head + 2);
    match kind {
        b'-' => Reply::Error(line),
        b':' => Reply::Integer(line.parse().unwrap()),
        b'$' => match line.parse::<usize>() {
            Ok(size) => {
                let text = String::from_utf8_lossy(&rest.split_to(size)).into_owned();
                rest.advance(2);
                Reply::Text(text)
            }
            Err(_) => Reply::Nil,
        },
        b'*' => match line.parse::<usize>() {
            Ok(count) => Reply::List((0..count).map(|_| parse_next(rest)).collect()),
            Err(_) => Reply::Nil,
        },
        _ => Reply::Text(line),
    }
}

/// A connection that sends one command after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    received: BytesMut,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(to: SocketAddr) -> Result<Self, Failure> {
        let stream = timeout(LIMIT, TcpStream::connect(to)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: BytesMut::new() })
    }

    /// Sends one command and waits for its reply; an error reply is a reply.
    pub(crate) async fn call(&mut self, words: &[&str]) -> Result<Reply, Failure> {
        timeout(LIMIT, async {
            self.send(words).await?;
            self.receive().await
        })
        .await?
    }

    /// Sends one command and does not wait.
    pub(crate) async fn send(&mut self, words: &[&str]) -> Result<(), Failure> {
        Ok(self.stream.write_all(&command(words)).await?)
    }

    /// Waits for the next reply.
    pub(crate) async fn receive(&mut self) -> Result<Reply, Failure> {
        loop {
            if let Some(frame) = take_frame(&mut self.received) {
                return Ok(parse(frame));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the connection was closed".into());
            }
        }
    }
}
