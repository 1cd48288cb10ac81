//! Files that are mounted on their own: a Kubernetes `subPath`, or a container's bind mount of a single file.
//!
//! Such a mount stays on the file that was there when the container started. Whoever replaces the file outside (a ConfigMap's
//! update, most editors) is never seen inside, which is worth telling, once.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::config::source::SourceFile;

/// The kernel's list of what is mounted where, as this process sees it.
const MOUNT_TABLE: &str = "/proc/self/mountinfo";

/// What every container has mounted on its own.
const OF_CONTAINERS: [&str; 4] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"];

/// The field of a line that names the mount point, from 0.
const MOUNT_POINT_FIELD: usize = 4;

/// Tells of lone mounts, each once.
#[derive(Debug, Default)]
pub(super) struct LoneMounts {
    told: BTreeSet<PathBuf>,
}

impl LoneMounts {
    /// Where there is no mount table, there is nothing to tell.
    pub(super) fn tell<'s>(&mut self, files: impl Iterator<Item = &'s SourceFile>) {
        let Ok(table) = fs::read(MOUNT_TABLE) else { return };
        let mut mount_points = mount_points(&table);
        mount_points.retain(|point| may_be_rules(point));
        // Resolving the names of thousands of files would be most of what a look asks of the system.
        if mount_points.is_empty() {
            return;
        }
        for file in files {
            // A file that has gone since it was read is for the next look.
            let Ok(resolved) = Path::new(&*file.name).canonicalize() else { continue };
            if mount_points.contains(&resolved) && self.told.insert(resolved) {
                warn!(
                    file = %file.name,
                    "this rule file is mounted on its own (subPath, or a bind mount of one file): \
                     when it is replaced outside, that is not seen here; mount its folder instead"
                );
            }
        }
    }
}

fn may_be_rules(point: &Path) -> bool {
    !OF_CONTAINERS.iter().any(|known| point == Path::new(known)) && point.is_file()
}

fn mount_points(table: &[u8]) -> BTreeSet<PathBuf> {
    let lines = table.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(MOUNT_POINT_FIELD))
        .map(|field| Path::new(OsStr::from_bytes(&unescape(field))).to_path_buf())
        .collect()
}

/// The kernel writes space, tab, newline and backslash as `\` and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] if *first == b'\\' => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        30 22 0:5 /volumes/rules.yaml /etc/rules/rules.yaml ro,relatime - ext4 /dev/root rw\n\
        31 22 0:5 /x /srv/my\\040rules\\134/a\\011b ro - tmpfs tmpfs rw\n\nshort line\n";

    #[test]
    fn mount_points_are_found_and_unescaped() {
        let points = mount_points(TABLE);
        let expected = ["/", "/etc/rules/rules.yaml", "/srv/my rules\\/a\tb"];
        assert_eq!(points, expected.iter().map(PathBuf::from).collect());
    }

    #[test]
    fn folders_and_what_every_container_has_are_no_rules() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.yaml");
        fs::write(&file, "").unwrap();
        assert!(may_be_rules(&file));
        assert!(!may_be_rules(root.path()));
        assert!(!may_be_rules(Path::new("/etc/hosts")));
    }

    #[test]
    fn a_backslash_without_three_octal_digits_stays() {
        for text in ["\\", "\\04", "\\8ab", "a\\400"] {
            assert_eq!(unescape(text.as_bytes()), text.as_bytes());
        }
    }
}
