//! The thread that writes lines, and what waits for it.

mod output;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use output::Output;

/// Lines that wait at the most, and their bytes.
const MOST_LINES: usize = 1_024;
const MOST_BYTES: usize = 4 << 20;

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To the process's standard output.
    Stdout,
    /// To the end of this file.
    File(PathBuf),
}

/// Why a line was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// There were too many in this second.
    Rate,
    /// Too many were waiting.
    Queue,
    /// The output did not take it.
    Output,
}

impl Lost {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rate, Self::Queue, Self::Output];

    /// The word for it in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Queue => "queue",
            Self::Output => "output",
        }
    }
}

/// How many lines were written, and how many were not.
#[derive(Debug, Default)]
pub struct Tally {
    lines: AtomicU64,
    lost: [AtomicU64; Lost::ALL.len()],
}

impl Tally {
    /// Lines that were written.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// Lines that were not, for this reason.
    pub fn lost(&self, why: Lost) -> u64 {
        self.lost[why as usize].load(Ordering::Relaxed)
    }

    fn lose(&self, why: Lost) {
        self.lost[why as usize].fetch_add(1, Ordering::Relaxed);
    }
}

enum Message {
    Line(Vec<u8>),
    End,
}

/// Where lines wait to be written.
#[derive(Debug, Clone)]
pub struct Queue {
    sender: mpsc::Sender<Message>,
    waiting: Arc<AtomicUsize>,
    tally: Arc<Tally>,
}

impl Queue {
    /// Adds a line, unless too many wait.
    pub(super) fn push(&self, line: Vec<u8>) {
        let bytes = line.len();
        let is_full = self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_BYTES;
        if is_full || self.sender.try_send(Message::Line(line)).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.lose(Lost::Queue);
        }
    }

    /// Counts a line that is not written.
    pub(super) fn lose(&self, why: Lost) {
        self.tally.lose(why);
    }
}

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    queue: Queue,
    ended: oneshot::Receiver<()>,
}

impl Writer {
    /// Starts the thread. An output that cannot be opened yet is tried again with every line.
    ///
    /// # Errors
    /// Where there can be no thread.
    pub fn start(target: Target) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(MOST_LINES);
        let (end, ended) = oneshot::channel();
        let queue = Queue { sender, waiting: Arc::default(), tally: Arc::default() };
        let (waiting, tally) = (Arc::clone(&queue.waiting), Arc::clone(&queue.tally));
        thread::Builder::new().name("decision-log".into()).spawn(move || {
            write_all(receiver, Output::new(target), &waiting, &tally);
            // Nobody may be waiting any more.
            let _ = end.send(());
        })?;
        Ok(Self { queue, ended })
    }

    /// Where to put lines.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// What became of them.
    #[must_use]
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.queue.tally)
    }

    /// Has what waits written, for so long. A thread that its output holds up is left to end with the process.
    pub async fn finish(self, deadline: Duration) {
        let written = timeout(deadline, async {
            if self.queue.sender.send(Message::End).await.is_ok() {
                // It is dropped without a word only by a panic, and then nothing is written either.
                let _ = self.ended.await;
            }
        });
        if written.await.is_err() {
            let bytes = self.queue.waiting.load(Ordering::Relaxed);
            tracing::warn!(bytes, "the decision log's output is stuck; what waits for it is lost");
        }
    }
}

fn write_all(
    mut receiver: mpsc::Receiver<Message>,
    mut output: Output,
    waiting: &AtomicUsize,
    tally: &Tally,
) {
    let mut failing = false;
    while let Some(Message::Line(line)) = receiver.blocking_recv() {
        let written = output.write(&line);
        waiting.fetch_sub(line.len(), Ordering::Relaxed);
        match &written {
            Ok(()) => {
                tally.lines.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => tally.lose(Lost::Output),
        }
        // Told once, and not with every line.
        match written {
            Err(error) if !failing => {
                tracing::warn!(%error, output = %output, "the decision log cannot be written; its lines are lost until it can");
                failing = true;
            }
            Ok(()) if failing => {
                tracing::info!(output = %output, "the decision log is written again");
                failing = false;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
