//! As much of a container as can be had without an engine: a root, mounts, a user without rights.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::dockerfile::Dockerfile;
use crate::harness::ratekeeper;

/// Mounts, and then goes into the root as the user. Arguments: root, mounts, user, and the command; mounts are `FROM=PLACE`, parted by
/// spaces. Each `exec` keeps the process, so that signals reach the server itself.
const ENTER: &str = r#"
set -eu
root=$1 mounts=$2 user=$3
shift 3
mount --bind "$root" "$root"
for pair in $mounts; do mount --rbind "${pair%%=*}" "$root${pair#*=}"; done
mount -o remount,bind,ro,nosuid,nodev "$root"
for pair in $mounts; do
    case $pair in /proc=*) ;; *) mount -o remount,bind,ro,nosuid,nodev "$root${pair#*=}" ;; esac
done
if [ "$user" = "$(id -u):$(id -g)" ]; then exec setpriv --no-new-privs chroot "$root" "$@"; fi
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
"#;

/// A root with what is mounted into it.
pub(super) struct Container {
    folder: TempDir,
    pub(super) image: Dockerfile,
}

/// The binary under test, or the one that `scripts/test-image` names.
fn binary() -> String {
    std::env::var("RATEKEEPER_TEST_IMAGE_BINARY").unwrap_or_else(|_| ratekeeper::BINARY.to_owned())
}

/// Runs the layout.
pub(super) fn layout(arguments: &[&str]) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/image/layout");
    let output = Command::new(script).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// A namespace of mounts. Who is not root needs one of users, too, and is there whom the image names, but with the capabilities of
/// that namespace.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args([
        "--mount",
        "--propagation",
        "private",
    ]);
    if !is_root() {
        command.args(["--user", "--map-user=65532", "--map-group=65532", "--keep-caps"]);
    }
    command
}

/// Whether the tests run as root.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this machine lets the test mount in a namespace of its own.
///
/// # Panics
/// Where it does not and `CI` is `true`, so that no build is green that has not seen the image run.
pub(super) fn can_mount() -> bool {
    static CAN: OnceLock<Result<(), String>> = OnceLock::new();
    let can = CAN.get_or_init(|| {
        let tried = unshare().args(["mount", "--bind", "/tmp", "/tmp"]).stdin(Stdio::null()).output();
        match tried {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("unshare: {error}")),
        }
    });
    if let Err(why) = can {
        let told = format!(
            "the image's root cannot be run in: {why}. Run the tests as root, or where users may have namespaces"
        );
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{told}");
        eprintln!("SKIPPED: {told}");
    }
    can.is_ok()
}

impl Container {
    /// A root as the layout makes it of the binary under test.
    pub(super) fn new() -> Self {
        let container = Self { folder: TempDir::with_prefix("image-").unwrap(), image: Dockerfile::read() };
        layout(&[&binary(), container.root().to_str().unwrap()]).unwrap();
        container
    }

    /// The root.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// A folder that is mounted at this place.
    pub(super) fn folder(&self, place: &str) -> PathBuf {
        let source = self.source(place);
        fs::create_dir_all(&source).unwrap();
        fs::create_dir_all(self.inside(place)).unwrap();
        source
    }

    /// A file that is mounted at this place.
    pub(super) fn file(&self, place: &str, text: &str) {
        let source = self.source(place);
        fs::create_dir_all(source.parent().unwrap()).unwrap();
        fs::write(source, text).unwrap();
        // Where engines mount, they make the place first.
        if !self.inside(place).exists() {
            fs::write(self.inside(place), "").unwrap();
        }
    }

    /// Where logs of the test go.
    pub(super) fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// This command in the root, with the mounts that there are now and no variable.
    pub(super) fn command(&self, words: &[String]) -> Command {
        let mounts: Vec<_> = self
            .mounts()
            .into_iter()
            .map(|place| format!("{}={place}", self.source(&place).display()))
            .collect();
        fs::create_dir_all(self.root().join("proc")).unwrap();
        let mounts = format!("/proc=/proc {}", mounts.join(" "));
        let mut command = unshare();
        command.args(["sh", "-c", ENTER, "enter"]);
        command.arg(self.root()).arg(mounts).arg(self.image.the("USER")).args(words);
        command
    }

    fn source(&self, place: &str) -> PathBuf {
        self.folder.path().join("mounts").join(place.trim_start_matches('/').replace('/', "--"))
    }

    fn inside(&self, place: &str) -> PathBuf {
        self.root().join(place.trim_start_matches('/'))
    }

    fn mounts(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mounts")) else { return Vec::new() };
        let place = |name: String| format!("/{}", name.replace("--", "/"));
        entries.map(|entry| place(entry.unwrap().file_name().into_string().unwrap())).collect()
    }
}
