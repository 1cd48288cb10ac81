//! The service behind Envoy: answers every request with 200 and a JSON account of what reached it, or as a language model does.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A listening upstream, which ends with its owner.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        Self::answering(account).await
    }

    /// Starts one that answers as language models do, with the tokens that it used: as many as the header `x-tokens` says.
    /// Without that it answers with an error, which says nothing of tokens; with `x-stream`, in events; with `x-type`, as that content type; and
    /// with `accept-encoding`, in what nobody can read.
    pub(crate) async fn model() -> Self {
        Self::answering(complete).await
    }

    async fn answering(answer: Answering) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, task: tokio::spawn(accept(listener, answer)) }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Answering = fn(&Request<Incoming>) -> Response<Full<Bytes>>;

async fn accept(listener: TcpListener, answer: Answering) {
    let service = service_fn(move |request| async move {
        let answer = answer(&request);
        // One that is answered before it has come whole would end with its connection.
        let _ = request.into_body().collect().await;
        Ok::<_, Infallible>(answer)
    });
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn account(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let account = json!({"path": request.uri().path(), "headers": headers});
    Response::new(Full::new(Bytes::from(account.to_string())))
}

fn complete(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap());
    let Some(tokens) = header("x-tokens").map(|tokens| tokens.parse::<u64>().unwrap()) else {
        return typed(500, "application/json", json!({"error": {"message": "overloaded"}}).to_string());
    };
    if header("accept-encoding").is_some() {
        return typed(200, "application/json", "compressed".to_owned());
    }
    let usage = json!({"prompt_tokens": 0, "total_tokens": tokens, "input_tokens": tokens / 4, "output_tokens": tokens - tokens / 4});
    let answer = json!({"choices": [], "usage": usage});
    if header("x-stream").is_none() {
        return typed(200, header("x-type").unwrap_or("application/json"), answer.to_string());
    }
    let text = json!({"choices": [{"delta": {"content": "text"}}]});
    typed(200, "text/event-stream", format!("data: {text}\n\ndata: {answer}\n\ndata: [DONE]\n\n"))
}

fn typed(status: u16, content: &str, body: String) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header("content-type", content);
    answer.body(Full::new(Bytes::from(body))).unwrap()
}
