//! The services of the gRPC port: `envoy.service.ratelimit.v3.RateLimitService`, health and reflection.
//!
//! Nearly every call of this port is of one method and asks with one message that is not compressed. Such a call is
//! answered here, on bare HTTP/2; anything else goes to tonic, which knows all of gRPC. It is worth the second way: tonic's
//! layers cost more than a decision does (docs/benchmarks.md).

mod answer_body;
mod message;
mod unusual;
mod whole;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request, Response};
use hyper::body::Body;
use hyper::service::Service;
use tonic::Status;
use tonic::service::Routes;
use tower::BoxError;

use self::answer_body::AnswerBody;
use self::whole::Whole;
use crate::server::caller::Caller;
use crate::server::health::HealthService;
use crate::server::responder::Responder;
use crate::server::unanswered::Unanswered;
use crate::service::Clock;
use crate::storage::CounterStore;

/// The method that proxies call.
const METHOD_PATH: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// The header of a call whose messages may be compressed.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The services of the gRPC port, for one core.
#[derive(Debug)]
pub struct GrpcService<S, C>(Arc<Services<S, C>>);

#[derive(Debug)]
struct Services<S, C> {
    responder: Arc<Responder<S, C>>,
    max_request_bytes: usize,
    unusual: Routes,
}

impl<S: CounterStore, C: Clock> GrpcService<S, C> {
    /// Rate limits by the responder, health, and reflection in both of its versions.
    #[must_use]
    pub fn new(responder: Arc<Responder<S, C>>, health: HealthService, max_request_bytes: usize) -> Self {
        let unusual = unusual::routes(Arc::clone(&responder), health, max_request_bytes);
        Self(Arc::new(Services { responder, max_request_bytes, unusual }))
    }
}

impl<S, C, B> Service<Request<B>> for GrpcService<S, C>
where
    S: CounterStore,
    C: Clock,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    // Boxed, as hyper moves it several times before it is first polled.
    type Future = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let services = Arc::clone(&self.0);
        if request.uri().path() == METHOD_PATH {
            Box::pin(async move { Ok(services.should_rate_limit(request).await) })
        } else {
            Box::pin(async move { Ok(unusual::answer(services.unusual.clone(), request).await) })
        }
    }
}

impl<S: CounterStore, C: Clock> Services<S, C> {
    async fn should_rate_limit<B>(&self, request: Request<B>) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static,
    {
        let (head, body) = request.into_parts();
        let mut body = Whole::new(body, self.max_request_bytes);
        let data = match body.all().await {
            Ok(data) => data,
            Err(error) => return Status::from_error(error).into_http(),
        };
        let compressed = head.headers.contains_key(&ENCODING);
        let Some(message) = message::read(&data).filter(|_| !compressed) else {
            body.put_back(data);
            return unusual::answer(self.unusual.clone(), Request::from_parts(head, body)).await;
        };
        // The body is kept along with the message, which is made of its bytes: until then they count as received.
        let caller = Caller::grpc(&head.headers);
        match self.responder.respond(&message, &caller).await {
            Ok(answer) => message::write(&answer),
            Err(unanswered) => Status::from(unanswered).into_http(),
        }
    }
}

impl From<Unanswered> for Status {
    fn from(unanswered: Unanswered) -> Self {
        Self::new(unanswered.grpc_code(), unanswered.to_string())
    }
}
