//! Why a shard counts as failed: a closed set, so that it can be a metric's label.

/// One way in which a shard fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// No answer within the budget.
    Timeout,
    /// The connection broke while an answer was awaited.
    Disconnected,
    /// It is reading its data set (LOADING).
    Loading,
    /// It has no memory left to write (OOM).
    OutOfMemory,
    /// It is a replica without its master (MASTERDOWN).
    MasterDown,
    /// It is a replica that takes no writes (READONLY).
    ReadOnly,
    /// It wants other credentials, or ours may not count (NOAUTH, WRONGPASS, NOPERM).
    Unauthorized,
    /// The Cluster does not serve the slot (CLUSTERDOWN, TRYAGAIN for too long).
    ClusterDown,
    /// Any other answer that we cannot use.
    UnexpectedReply,
}

impl FailureReason {
    /// Every reason.
    pub const ALL: [FailureReason; 9] = [
        FailureReason::Timeout,
        FailureReason::Disconnected,
        FailureReason::Loading,
        FailureReason::OutOfMemory,
        FailureReason::MasterDown,
        FailureReason::ReadOnly,
        FailureReason::Unauthorized,
        FailureReason::ClusterDown,
        FailureReason::UnexpectedReply,
    ];

    /// The reason's name in metrics, logs and the admin page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FailureReason::Timeout => "timeout",
            FailureReason::Disconnected => "disconnected",
            FailureReason::Loading => "loading",
            FailureReason::OutOfMemory => "out_of_memory",
            FailureReason::MasterDown => "master_down",
            FailureReason::ReadOnly => "read_only",
            FailureReason::Unauthorized => "unauthorized",
            FailureReason::ClusterDown => "cluster_down",
            FailureReason::UnexpectedReply => "unexpected_reply",
        }
    }
}

/// How often each reason occurred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailureCounts {
    counts: [u64; FailureReason::ALL.len()],
}

impl FailureCounts {
    /// Counts one more.
    pub(super) fn add(&mut self, reason: FailureReason) {
        self.counts[reason as usize] += 1;
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (FailureReason, u64)> + use<> {
        FailureReason::ALL.into_iter().zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_under_its_own_name() {
        for counted in FailureReason::ALL {
            let mut counts = FailureCounts::default();
            counts.add(counted);
            for (reason, count) in counts.iter() {
                assert_eq!(count, u64::from(reason == counted), "{}", reason.name());
            }
        }
    }
}
