//! A peer that speaks HTTP/2 and tells what it saw, GOAWAY included.

use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;
use crate::server::transport::{Http2Server, ListenAddress};

pub(super) struct Peer {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Peer {
    pub(super) async fn connect(server: &Http2Server) -> Self {
        Self::try_connect(server).await.expect("HTTP/2")
    }

    pub(super) async fn try_connect(server: &Http2Server) -> Result<Self, h2::Error> {
        match &server.addresses()[0] {
            ListenAddress::Tcp(address) => {
                Self::over(TcpStream::connect(address).await.expect("a listener")).await
            }
            ListenAddress::Unix(path) => {
                Self::over(UnixStream::connect(path).await.expect("a listener")).await
            }
        }
    }

    pub(super) async fn over<S>(socket: S) -> Result<Self, h2::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = h2::client::handshake(socket).await?;
        Ok(Self { sender, connection: tokio::spawn(connection) })
    }

    /// Sends a call. Panics where the connection takes none.
    pub(super) fn call(&mut self, path: &str) -> ResponseFuture {
        let uri = format!("http://test{path}");
        let request = Request::builder().uri(uri).body(()).expect("a request");
        self.sender.send_request(request, true).expect("a stream").0
    }

    /// Begins a call whose body is still to be sent.
    pub(super) fn begin(&mut self, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
        let request = Request::post(format!("http://test{path}"))
            .header("content-type", "application/grpc")
            .body(())
            .expect("a request");
        self.sender.send_request(request, false).expect("a stream")
    }

    /// Sends a call and waits until it is answered.
    pub(super) async fn ask(&mut self, path: &str) -> Result<String, h2::Error> {
        read(self.call(path)).await
    }

    /// The same, where the connection may take none.
    pub(super) async fn try_ask(&mut self, path: &str) -> Result<String, h2::Error> {
        let uri = format!("http://test{path}");
        let request = Request::builder().uri(uri).body(()).expect("a request");
        read(self.sender.send_request(request, true)?.0).await
    }

    /// Waits until the server has said that the connection takes no more calls; gives the reason.
    pub(super) async fn goaway(&self) -> h2::Reason {
        let told = async {
            loop {
                if let Err(error) = self.sender.clone().ready().await {
                    assert!(error.is_go_away() && error.is_remote(), "{error}");
                    return error.reason().expect("GOAWAY has a reason");
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, told).await.expect("GOAWAY in time")
    }

    /// Waits until the connection is over; tells how.
    pub(super) async fn end(self) -> Result<(), h2::Error> {
        drop(self.sender);
        timeout(PATIENCE, self.connection).await.expect("an end in time").expect("no panic")
    }

    /// Waits until the server has ended the connection, though this side keeps it.
    pub(super) async fn ended_by_server(&mut self) {
        // An error of the connection is an end too.
        let _ = timeout(PATIENCE, &mut self.connection).await.expect("an end in time").expect("no panic");
    }
}

/// The body of an answer.
pub(super) async fn read(answer: ResponseFuture) -> Result<String, h2::Error> {
    let whole = async {
        let mut body = answer.await?.into_body();
        let mut text = Vec::new();
        while let Some(data) = body.data().await {
            text.extend_from_slice(&data?);
        }
        Ok(String::from_utf8(text).expect("text"))
    };
    timeout(PATIENCE, whole).await.expect("an answer in time")
}

/// A TCP connection to the server, about which nothing has been said yet.
pub(super) async fn raw(server: &Http2Server) -> TcpStream {
    let ListenAddress::Tcp(address) = &server.addresses()[0] else { unreachable!("a TCP listener") };
    TcpStream::connect(address).await.expect("a listener")
}

/// All that the server sends until it closes the connection.
pub(super) async fn hear_out(socket: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset ends the connection as well as a proper close.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut heard)).await.expect("an end in time");
    heard
}
