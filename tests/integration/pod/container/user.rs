//! Who the processes of a container are.

use std::fs;
use std::path::Path;

use rustix::process::Pid;
use serde_json::Value;

use super::super::cluster::list;

/// Who a process is.
#[derive(Debug)]
pub(super) struct User {
    user: u64,
    group: u64,
    more: Vec<u64>,
    pub(super) no_new_privileges: bool,
}

impl User {
    pub(super) fn of(context: &Value, pod: &Value) -> Self {
        let number = |field: &str| context[field].as_u64().or(pod[field].as_u64());
        let truth = |field: &str| context[field].as_bool().or(pod[field].as_bool());
        let user = number("runAsUser").unwrap_or(0);
        assert!(user != 0 || truth("runAsNonRoot") != Some(true), "the container would run as root");
        let mut more: Vec<u64> = list(pod, "supplementalGroups").iter().filter_map(Value::as_u64).collect();
        more.extend(pod["fsGroup"].as_u64());
        more.sort_unstable();
        more.dedup();
        let no_new_privileges = truth("allowPrivilegeEscalation") == Some(false);
        Self { user, group: number("runAsGroup").unwrap_or(0), more, no_new_privileges }
    }

    /// What becomes this user in a root.
    pub(super) fn chroot(&self, root: &Path) -> Vec<String> {
        let more: Vec<String> = self.more.iter().map(ToString::to_string).collect();
        let (user, groups) =
            (format!("--userspec=+{}:+{}", self.user, self.group), format!("--groups={}", more.join(",")));
        vec!["chroot".into(), user, groups, root.display().to_string()]
    }

    /// Looks that the process is who it shall be.
    pub(super) fn check(&self, pid: Pid) {
        let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        let Self { user, group, more, no_new_privileges } = self;
        assert_eq!(field("Uid:"), vec![user.to_string(); 4]);
        assert_eq!(field("Gid:"), vec![group.to_string(); 4]);
        assert_eq!(field("Groups:"), more.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(field("NoNewPrivs:"), [u8::from(*no_new_privileges).to_string()]);
        assert_eq!(field("CapEff:"), ["0000000000000000"], "of an ordinary user");
    }
}
