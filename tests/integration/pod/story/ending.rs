//! The end of the pod: it leaves the Service, goes on answering, and is gone within the grace period.

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::probes::Probe;
use super::Scene;
use crate::harness::callers::Outcome;
use crate::harness::{ask, tell, wait};

impl Scene {
    /// Deletes the pod. Nobody loses a call, whether on a connection that was open or on a new one during the pause.
    pub(super) async fn drains(self, callers: JoinSet<Outcome>) {
        let drain = &self.pod.settings.drain;
        let longest = self.pod.pre_stop_time() + drain.pause + drain.deadline;
        assert!(
            longest <= self.pod.grace(),
            "a drain of {longest:?} in a grace period of {:?}",
            self.pod.grace()
        );
        let begin = Instant::now();
        let (ended, ()) = tokio::join!(self.pod.end(&self.running), self.is_answered_in_the_pause(begin));
        let (took, code) = ended;
        assert_eq!(code, Some(0), "{}", self.running.log());
        let pause = self.pod.pre_stop_time() + drain.pause;
        assert!(took >= pause, "gone after {took:?}, with a pause of {pause:?}");
        for outcome in callers.join_all().await {
            assert!(outcome.answered > 0 && outcome.lost.is_empty(), "{outcome:?}\n{}", self.running.log());
        }
    }

    /// Readiness fails at once, and new connections are served up to the end of the pause.
    async fn is_answered_in_the_pause(&self, begin: Instant) {
        let end = begin + self.pod.pre_stop_time() + self.pod.settings.drain.pause;
        let probe = Probe::of(&self.pod.given, "readinessProbe").expect("a readiness probe");
        let is_ready = || async { probe.once(&self.pod.container, &self.running).await.is_ok() };
        wait::until("readiness to fail", || async { !is_ready().await }).await;
        assert!(Instant::now() < end, "readiness did not fail before the pause was over");
        let steady = ask("steady=v").domain(&self.changing().limit.domain);
        // Not to its last moment, which is measured from the signal there and from before it here.
        let margin = std::time::Duration::from_millis(500);
        while Instant::now() + margin < end {
            let told = tell(&self.door.ask(&steady).await);
            assert!(told.starts_with("OK"), "{told}\n{}", self.running.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
