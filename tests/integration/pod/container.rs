//! A container: the image's root with the pod's volumes over it, and the process in it, as a container runtime makes them.
//!
//! What is honoured: command, arguments, variables, working folder, mounts, read-only root, user, groups, no new privileges, a
//! process space of its own in which the process is the first. What is not: cgroups, seccomp, and capabilities of root.

mod mounts;
mod user;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cluster::{list, only_known};
use super::environment::{Environment, expand};
use super::namespaces::checkout;
use super::volumes::Volume;
use crate::harness::process::Process;
use crate::harness::wait;
use mounts::{mount, mount_system, mount_volume, root_of_image};
use user::User;

/// What a process is started with.
pub(super) struct Container {
    root: PathBuf,
    /// The hosts file, as it is outside.
    hosts: PathBuf,
    command: Vec<String>,
    environment: Environment,
    user: User,
}

/// The process of a container.
pub(super) struct Running {
    process: Mutex<Process>,
    /// Below a process that made the namespaces.
    pid: Pid,
}

impl Container {
    /// Makes the root of a container below `folder`, with the volumes in it.
    pub(super) fn create(
        container: &Value,
        pod: &Value,
        volumes: &[Volume],
        environment: Environment,
        folder: &Path,
    ) -> Self {
        only_known("a container", container, &KNOWN);
        let root = root_of_image(folder);
        let context = &container["securityContext"];
        only_known("a container's security context", context, &KNOWN_CONTEXT);
        mount_system(&root, folder);
        for mount in list(container, "volumeMounts") {
            mount_volume(&root, mount, volumes);
        }
        // Only the root itself: what is mounted in it stays as it is.
        if context["readOnlyRootFilesystem"].as_bool() == Some(true) {
            mount(&["-o", "remount,bind,ro"], None, &root);
        }
        let command = command(container, &environment);
        let (user, hosts) = (User::of(context, &pod["spec"]["securityContext"]), folder.join("hosts"));
        Self { root, hosts, command, environment, user }
    }

    /// Starts the process; what it prints goes to a log in `folder`.
    pub(super) async fn start(&self, folder: &Path) -> Running {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--kill-child", "--", "bash", "-euc"]);
        command.arg("mount -t proc proc \"$1/proc\"; shift; exec \"$@\"").arg("container").arg(&self.root);
        if self.user.no_new_privileges {
            command.args(["setpriv", "--no-new-privs", "--"]);
        }
        command.args(self.user.chroot(&self.root)).args(&self.command);
        command.env_clear().envs(&self.environment);
        let mut process = Process::start("ratekeeper", command, folder);
        let outer = process.id();
        let pid = wait::for_some("the container's process", || async { child_of(outer) }).await;
        assert!(process.exited().is_none(), "the container's process has ended");
        Running { process: Mutex::new(process), pid }
    }

    /// Runs a command in a running container, with the container's user and variables; gives whether it went well.
    pub(super) async fn exec(&self, running: &Running, words: &[&str]) -> bool {
        let mut command = tokio::process::Command::new("nsenter");
        command.args(["--target", &running.pid.as_raw_nonzero().to_string(), "--pid", "--"]);
        command.args(self.user.chroot(&self.root)).args(words);
        command.env_clear().envs(&self.environment).kill_on_drop(true);
        let output = command.output().await.unwrap();
        if !output.status.success() {
            eprintln!("{words:?}: {}{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    }

    /// Lets the container's processes find an address by its name.
    pub(super) fn add_host(&self, name: &str, address: IpAddr) {
        let text = fs::read_to_string(&self.hosts).unwrap();
        fs::write(&self.hosts, format!("{text}{address} {name}\n")).unwrap();
    }

    /// The settings file that the command names.
    pub(super) fn settings_file(&self) -> Option<&str> {
        let mut words = self.command.iter().skip_while(|word| *word != "--config");
        words.nth(1).map(String::as_str)
    }

    /// Looks that the process is who it shall be.
    pub(super) fn check_user(&self, running: &Running) {
        self.user.check(running.pid);
    }

    /// A file as the container's processes see it.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl Running {
    /// All that it printed so far.
    pub(super) fn log(&self) -> String {
        self.process.lock().unwrap().log()
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// How it ended, or nothing while it runs.
    pub(super) fn exited(&self) -> Option<ExitStatus> {
        self.process.lock().unwrap().exited()
    }
}

/// The fields of a container that are honoured, or do not matter to its process.
const KNOWN: [&str; 16] = [
    "name",
    "image",
    "imagePullPolicy",
    "command",
    "args",
    "env",
    "envFrom",
    "ports",
    "startupProbe",
    "readinessProbe",
    "livenessProbe",
    "lifecycle",
    "resources",
    "securityContext",
    "volumeMounts",
    "terminationMessagePolicy",
];

const KNOWN_CONTEXT: [&str; 8] = [
    "allowPrivilegeEscalation",
    "capabilities",
    "privileged",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
];

/// The rendered command and arguments in the place of the image's.
pub(super) fn command(container: &Value, environment: &Environment) -> Vec<String> {
    let dockerfile = fs::read_to_string(checkout("deploy/Dockerfile")).unwrap();
    let of_image = |word: &str| -> Vec<String> {
        let line = dockerfile.lines().rev().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        line.map_or_else(Vec::new, |line| serde_json::from_str(line).unwrap())
    };
    let given = |field: &str| {
        let words = container[field].as_array().filter(|words| !words.is_empty())?;
        Some(words.iter().map(|word| expand(word.as_str().unwrap(), environment)).collect::<Vec<_>>())
    };
    match (given("command"), given("args")) {
        (Some(command), arguments) => [command, arguments.unwrap_or_default()].concat(),
        (None, arguments) => [of_image("ENTRYPOINT"), arguments.unwrap_or_else(|| of_image("CMD"))].concat(),
    }
}

/// The first child of a process, when it has become the container's.
fn child_of(id: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    let child = children.split_whitespace().next()?.parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    // Before, it is the shell that mounts /proc, and so on.
    let still_outside = ["unshare", "bash", "setpriv", "chroot"].contains(&name.trim());
    if still_outside { None } else { Pid::from_raw(child) }
}
