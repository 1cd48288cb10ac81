//! Collectors that answer, refuse and hang; time is paused.

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::context::TraceContext;
use super::super::span::{Kind, Span};
use super::super::{Tracer, TracerSettings};
use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Behaviour {
    Answers,
    Refuses,
    Hangs,
}

#[derive(Debug)]
struct Collector {
    behaviour: Arc<Mutex<Behaviour>>,
    /// The size of each batch, and when it came.
    batches: Arc<Mutex<Vec<(usize, Instant)>>>,
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.batches.lock().push((batch.len(), Instant::now()));
        let behaviour = *self.behaviour.lock();
        match behaviour {
            Behaviour::Answers => Ok(()),
            Behaviour::Refuses => Err(OTelSdkError::InternalFailure("refused".into())),
            Behaviour::Hangs => std::future::pending().await,
        }
    }
}

struct Scene {
    tracer: Tracer,
    counts: Arc<SpanCounts>,
    behaviour: Arc<Mutex<Behaviour>>,
    batches: Arc<Mutex<Vec<(usize, Instant)>>>,
    end: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
    started: Instant,
}

const SETTINGS: BatchSettings = BatchSettings {
    max_queue: 100,
    max_batch: 10,
    delay: Duration::from_secs(5),
    export_timeout: Duration::from_secs(30),
};

impl Scene {
    fn start(behaviour: Behaviour) -> Self {
        let (sender, queue) = mpsc::channel(SETTINGS.max_queue);
        let (end, told) = oneshot::channel();
        let (counts, behaviour) = (Arc::new(SpanCounts::default()), Arc::new(Mutex::new(behaviour)));
        let batches = Arc::default();
        let collector = Collector { behaviour: Arc::clone(&behaviour), batches: Arc::clone(&batches) };
        let task = Batches::new(queue, collector, SETTINGS, Arc::clone(&counts)).run(told);
        let tracer = Tracer::new(TracerSettings::default(), sender, Arc::clone(&counts));
        let task = tokio::spawn(task);
        Self { tracer, counts, behaviour, batches, end, task, started: Instant::now() }
    }

    fn record(&self, spans: usize) {
        for _ in 0..spans {
            let span = Span::begin("work", Kind::Internal, TraceContext::root(), None, Instant::now());
            self.tracer.finish(span);
        }
    }

    /// The size of each batch, and how many seconds after the start it came.
    fn batches(&self) -> Vec<(usize, u64)> {
        let seconds = |at: Instant| at.duration_since(self.started).as_secs();
        self.batches.lock().iter().map(|&(size, at)| (size, seconds(at))).collect()
    }

    #[track_caller]
    fn check(&self, exported: u64, dropped: &[(&str, u64)]) {
        let found: Vec<_> = self.counts.dropped().filter(|(_, count)| *count > 0).collect();
        assert_eq!((self.counts.exported(), found.as_slice()), (exported, dropped));
    }
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_span_waits_for_others_and_not_for_long() {
    let scene = Scene::start(Behaviour::Answers);
    seconds(100).await;
    scene.record(1);
    seconds(4).await;
    scene.record(2);
    seconds(100).await;
    assert_eq!(scene.batches(), [(3, 105)]);
    scene.record(25);
    seconds(1).await;
    assert_eq!(scene.batches()[1..], [(10, 204), (10, 204)]);
    seconds(5).await;
    assert_eq!(scene.batches()[3..], [(5, 209)]);
    scene.check(28, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_refuses_is_left_alone_for_a_while() {
    let scene = Scene::start(Behaviour::Refuses);
    scene.record(15);
    seconds(11).await;
    assert_eq!(scene.batches(), [(10, 0), (5, 10)]);
    scene.check(0, &[("export_failed", 15)]);
    *scene.behaviour.lock() = Behaviour::Answers;
    scene.record(1);
    seconds(20).await;
    scene.check(1, &[("export_failed", 15)]);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_counted_and_nobody_waits() {
    let scene = Scene::start(Behaviour::Hangs);
    scene.record(10);
    seconds(1).await;
    let before = Instant::now();
    scene.record(1_000);
    assert_eq!(before.elapsed(), Duration::ZERO);
    scene.check(0, &[("queue_full", 900)]);
    seconds(30).await;
    scene.check(0, &[("queue_full", 900), ("export_timeout", 10)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_end_is_exported() {
    let scene = Scene::start(Behaviour::Answers);
    scene.record(25);
    scene.end.send(Duration::from_secs(2)).unwrap();
    scene.task.await.unwrap();
    assert_eq!(scene.counts.exported(), 25);
    assert_eq!(scene.started.elapsed(), Duration::ZERO);
    let span = Span::begin("late", Kind::Internal, TraceContext::root(), None, Instant::now());
    scene.tracer.finish(span);
    assert_eq!(scene.counts.lost(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_no_collector_longer_than_it_is_told() {
    let scene = Scene::start(Behaviour::Hangs);
    scene.record(25);
    seconds(1).await;
    scene.end.send(Duration::from_secs(2)).unwrap();
    scene.task.await.unwrap();
    assert_eq!(scene.started.elapsed().as_secs(), 3);
    let lost: Vec<_> = scene.counts.dropped().filter(|(_, count)| *count > 0).collect();
    assert_eq!(lost, [("export_timeout", 10), ("shutdown", 15)]);
}

#[tokio::test(start_paused = true)]
async fn the_end_cuts_the_pause_after_a_failure_short() {
    let scene = Scene::start(Behaviour::Refuses);
    scene.record(10);
    seconds(1).await;
    *scene.behaviour.lock() = Behaviour::Answers;
    scene.record(3);
    scene.end.send(Duration::from_secs(2)).unwrap();
    scene.task.await.unwrap();
    assert_eq!(scene.counts.exported(), 3);
    assert_eq!(scene.started.elapsed().as_secs(), 1);
}
