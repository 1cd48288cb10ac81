//! What was last told of each server, so that the log says it once.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Servers that are remembered at the most: as many as a topology has. Addresses come from other servers, so that there is no
/// end to them by themselves.
const MAX_SERVERS: usize = 2_000;

/// What was told of servers.
#[derive(Debug, Default)]
pub(super) struct Remarks(Mutex<HashMap<String, String>>);

impl Remarks {
    /// Whether this has yet to be told of the server. Where too many are remembered, all are forgotten, and told once more.
    pub(super) fn is_news(&self, server: &str, remark: &str) -> bool {
        let mut told = self.0.lock();
        match told.get_mut(server) {
            Some(last) if last == remark => false,
            Some(last) => {
                remark.clone_into(last);
                true
            }
            None => {
                if told.len() >= MAX_SERVERS {
                    told.clear();
                }
                told.insert(server.to_owned(), remark.to_owned());
                true
            }
        }
    }

    /// Forgets what was told of a server. Whether there was anything.
    pub(super) fn forget(&self, server: &str) -> bool {
        self.0.lock().remove(server).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_remark_is_news_once_until_another_or_none() {
        let remarks = Remarks::default();
        let news = |server, remark| remarks.is_news(server, remark);
        assert_eq!([news("a", "old"), news("a", "old"), news("b", "old")], [true, false, true]);
        assert_eq!([news("a", "new"), news("a", "new"), news("a", "old")], [true, false, true]);
        assert_eq!([remarks.forget("a"), remarks.forget("a"), news("a", "old")], [true, false, true]);
    }

    #[test]
    fn addresses_without_end_are_forgotten_and_told_again() {
        let remarks = Remarks::default();
        for server in 0..3 * MAX_SERVERS {
            assert!(remarks.is_news(&server.to_string(), "it fails"));
            assert!(remarks.0.lock().len() <= MAX_SERVERS);
        }
        assert!(remarks.is_news("0", "it fails"));
    }
}
