//! Where hyper's tasks go: the current thread's runtime, with calls and panics counted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::stats::CoreLoad;

/// Spawns hyper's tasks on the current runtime. For HTTP/2 hyper spawns one for each call.
#[derive(Debug, Clone)]
pub(crate) struct CoreExecutor(pub(crate) Arc<CoreLoad>);

pin_project! {
    /// A task whose panic is counted. It ends the task alone: tokio catches it.
    pub(crate) struct Watched<F> {
        #[pin]
        task: F,
        load: Arc<CoreLoad>,
    }
}

/// Counts a panic when it is dropped by one.
struct PanicCount<'a>(&'a CoreLoad);

impl<F> Watched<F> {
    pub(crate) fn new(task: F, load: Arc<CoreLoad>) -> Self {
        Self { task, load }
    }
}

impl<F> hyper::rt::Executor<F> for CoreExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.requests.increment();
        tokio::spawn(Watched::new(task, Arc::clone(&self.0)));
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _count = PanicCount(this.load);
        this.task.poll(cx)
    }
}

impl Drop for PanicCount<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panics.increment();
        }
    }
}
