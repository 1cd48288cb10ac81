//! One connection through the phases of a run, and connecting again when it is lost.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::alarm::Alarm;
use super::frame::FrameTemplate;
use super::http2::request::RequestHead;
use super::keys::KeySpace;
use super::link::Link;
use super::pace::Pace;
use super::phase::Phase;
use super::schedule::{Schedule, Turn};
use super::streams::{End, Streams};
use super::tally::Tally;
use super::target::{ConnectError, Target};

/// Between attempts to connect again, so that a server that is gone does not keep a core busy.
pub const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections have in common.
#[derive(Debug)]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How many connections there are.
    pub connections: u64,
    /// Streams on each connection.
    pub streams: usize,
    /// The requests' bytes.
    pub template: FrameTemplate,
    /// The key space.
    pub keys: KeySpace,
    /// The requests' HTTP head.
    pub head: RequestHead,
    /// Requests per second over all connections, unless they wait for answers.
    pub rate: Option<NonZeroU64>,
}

/// A connection of its own number, which also seeds its keys.
#[derive(Debug)]
pub struct Connection {
    plan: Arc<Plan>,
    number: u64,
    link: Option<Link>,
    alarm: Option<Alarm>,
}

/// Where a connection reports to: the phase asks everyone to go on, the tally belongs to one thread.
#[derive(Debug, Clone)]
pub struct Run {
    /// Until when to send.
    pub phase: Arc<Phase>,
    /// What happened. Locked by one thread only, so never contended.
    pub tally: Arc<Mutex<Tally>>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// See [`Target::connect`], and [`ConnectError::Timer`].
    pub async fn open(plan: Arc<Plan>, number: u64) -> Result<Self, ConnectError> {
        let link = plan.target.connect(plan.connect_timeout).await?;
        let alarm = plan.rate.map(|_| Alarm::new()).transpose().map_err(ConnectError::Timer)?;
        Ok(Self { plan, number, link: Some(link), alarm })
    }

    /// Sends requests on all streams until the phase is over and all are answered.
    pub async fn run(mut self, run: Run) -> Self {
        let mut link = self.link.take();
        let plan = Arc::clone(&self.plan);
        let pace = self.pace(&run);
        let mut streams = Streams::new(&plan, self.number, &run, pace, self.alarm.as_mut());
        while let Some(mut open) = streams.connect(link.take()).await {
            let answers = streams.answers();
            if std::future::poll_fn(|context| streams.poll(&mut open, context)).await == End::PhaseOver {
                self.link = Some(open);
                break;
            }
            // A server that hangs up at once would otherwise be called back as quickly as it does.
            if streams.answers() == answers {
                tokio::time::sleep(RECONNECT_PAUSE).await;
            }
        }
        self
    }

    fn pace(&self, run: &Run) -> Pace {
        let turn = Turn { number: self.number, of: self.plan.connections };
        match self.plan.rate {
            Some(rate) => Pace::Open(Schedule::new(&run.phase, rate, turn)),
            None => Pace::Closed,
        }
    }
}
