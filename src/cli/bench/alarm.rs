//! A timer that is on time, for requests that are due at some microsecond.
//!
//! tokio counts in milliseconds and would be late by half of one on average, which is more than most answers take. Waking
//! up early and spinning would take a core from the server at some thousand requests per second. A timer descriptor is
//! woken by the kernel's high-resolution timer, through the same poll as the sockets: it costs one more system call for
//! each wait, and is late by the tens of microseconds that waking a thread takes.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Wakes the task that polls it.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    set_for: Option<Instant>,
}

impl Alarm {
    /// A timer of the current runtime that is not set.
    ///
    /// # Errors
    ///
    /// When the system gives no descriptor.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { timer: register(timer)?, set_for: None })
    }

    /// Ready once it is `at` or later.
    ///
    /// # Errors
    ///
    /// When the system takes the timer away.
    pub fn poll(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let now = Instant::now();
            if now >= at {
                return Poll::Ready(Ok(()));
            }
            if self.set_for != Some(at) {
                // It has rung for an earlier time, maybe. Setting it takes away what has not been read.
                if let Poll::Ready(rung) = self.timer.poll_read_ready(context) {
                    rung?.clear_ready();
                }
                self.set(at, now)?;
            }
            // What comes too late to be cleared above rings for nothing, so the clock decides.
            ready!(self.timer.poll_read_ready(context))?.clear_ready();
            self.set_for = None;
        }
    }

    fn set(&mut self, at: Instant, now: Instant) -> io::Result<()> {
        let value = Timespec::try_from(at - now).map_err(|_| io::ErrorKind::InvalidInput)?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.set_for = Some(at);
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe for the sake of descriptors that may change under it; an `OwnedFd` cannot"
)]
fn register(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(timer, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_at_its_time_again_and_again() {
        let mut alarm = Alarm::new().unwrap();
        for micros in [1, 300, 5_000, 0, 700] {
            let at = Instant::now() + Duration::from_micros(micros);
            poll_fn(|context| alarm.poll(at, context)).await.unwrap();
            assert!(Instant::now() >= at);
        }
    }

    #[tokio::test]
    async fn an_earlier_time_replaces_a_later_one() {
        let mut alarm = Alarm::new().unwrap();
        let begin = Instant::now();
        let never = poll_fn(|context| alarm.poll(begin + Duration::from_secs(600), context));
        assert!(tokio::time::timeout(Duration::from_millis(5), never).await.is_err());
        let soon = begin + Duration::from_millis(20);
        poll_fn(|context| alarm.poll(soon, context)).await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(300));
    }
}
