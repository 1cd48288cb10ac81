//! Real folders, real events. What must not be told is proved by the next real change coming first.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};
use tokio::time::timeout;

use super::*;

/// Far more than a busy machine needs; reached only by a failure.
const DEADLINE: Duration = Duration::from_secs(20);

const DEBOUNCE: Duration = Duration::from_millis(40);

/// A rule folder `rules` in a folder of its own, and a watch on it that has told its first state.
struct Fixture {
    root: TempDir,
    watch: RuleWatch,
}

/// Only events: the second look comes later than any test ends.
fn by_events() -> WatchOptions {
    WatchOptions { rescan_interval: 3 * DEADLINE, debounce: DEBOUNCE, events: true }
}

fn by_rescan() -> WatchOptions {
    WatchOptions { rescan_interval: Duration::from_millis(20), events: false, ..by_events() }
}

impl Fixture {
    async fn new(options: WatchOptions) -> Self {
        let root = tempdir().unwrap();
        fs::create_dir(root.path().join("rules")).unwrap();
        fs::write(root.path().join("rules/a.yaml"), "a1").unwrap();
        Self::watching("rules", root, options).await
    }

    async fn watching(path: &str, root: TempDir, options: WatchOptions) -> Self {
        let watch = RuleWatch::new(vec![root.path().join(path)], options);
        let mut fixture = Self { root, watch };
        assert_eq!(fixture.next().await.cause, ChangeCause::Start);
        fixture
    }

    /// The same file as in [`Fixture::new`], configured by its own path.
    async fn watching_file() -> Self {
        let Self { root, .. } = Self::new(by_events()).await;
        Self::watching("rules/a.yaml", root, by_events()).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn link(&self, target: &str, name: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    async fn next(&mut self) -> RuleChange {
        timeout(DEADLINE, self.watch.changed()).await.expect("a change is told")
    }

    /// The next change is to these texts; nothing else is told before.
    async fn expect(&mut self, texts: &[&str]) {
        let change = self.next().await;
        assert_eq!(texts_of(&change), texts);
        assert_eq!(change.cause, ChangeCause::Content);
    }

    async fn expect_fault(&mut self) {
        assert!(self.next().await.sources.has_faults());
    }
}

fn texts_of(change: &RuleChange) -> Vec<&str> {
    change.sources.files.iter().map(|file| &*file.as_ref().unwrap().text).collect()
}

/// Makes a version of a ConfigMap the current one, as the kubelet does: files first, then the swap of one symlink.
fn swap(folder: &Path, version: &str, files: &[(&str, &str)]) {
    let data = folder.join(format!("..{version}"));
    fs::create_dir(&data).unwrap();
    files.iter().for_each(|(name, text)| fs::write(data.join(name), text).unwrap());
    let old = fs::read_link(folder.join("..data"));
    symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for (name, _) in files {
        let _ = symlink(format!("..data/{name}"), folder.join(name));
    }
    if let Ok(old) = old {
        fs::remove_dir_all(folder.join(old)).unwrap();
    }
}

#[tokio::test]
async fn the_first_state_is_told_at_once_and_whole() {
    let root = tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), "a1").unwrap();
    let mut watch = RuleWatch::new(vec![root.path().to_path_buf()], by_events());
    let change = watch.changed().await;
    assert_eq!((texts_of(&change), change.cause), (vec!["a1"], ChangeCause::Start));
}

#[tokio::test]
async fn an_edit_in_place() {
    let mut fixture = Fixture::new(by_events()).await;
    fixture.write("rules/a.yaml", "a2");
    fixture.expect(&["a2"]).await;
    fixture.write("rules/a.yaml", "a3");
    fixture.expect(&["a3"]).await;
}

#[tokio::test]
async fn a_rename_over_a_file_again_and_again() {
    let mut fixture = Fixture::watching_file().await;
    for text in ["a2", "a3", "a4"] {
        fixture.write("rules/a.yaml.new", text);
        fixture.rename("rules/a.yaml.new", "rules/a.yaml");
        fixture.expect(&[text]).await;
    }
}

#[tokio::test]
async fn files_come_and_go() {
    let mut fixture = Fixture::new(by_events()).await;
    fixture.write("rules/b.yaml", "b1");
    fixture.expect(&["a1", "b1"]).await;
    fs::remove_file(fixture.path("rules/a.yaml")).unwrap();
    fixture.expect(&["b1"]).await;
    fixture.rename("rules/b.yaml", "b.yaml");
    fixture.expect(&[]).await;
}

#[tokio::test]
async fn a_swap_of_a_config_map_is_one_change() {
    let root = tempdir().unwrap();
    swap(root.path(), "1", &[("a.yaml", "a1"), ("b.yaml", "b1"), ("c.yaml", "c1")]);
    let mut fixture = Fixture::watching("", root, by_events()).await;
    swap(fixture.root.path(), "2", &[("a.yaml", "a2"), ("b.yaml", "b2"), ("c.yaml", "c2")]);
    fixture.expect(&["a2", "b2", "c2"]).await;
    swap(fixture.root.path(), "3", &[("a.yaml", "a3"), ("b.yaml", "b2"), ("c.yaml", "c2"), ("d.yaml", "d3")]);
    fixture.expect(&["a3", "b2", "c2", "d3"]).await;
}

#[tokio::test]
async fn a_swap_to_equal_content_is_no_change() {
    let root = tempdir().unwrap();
    swap(root.path(), "1", &[("a.yaml", "a1")]);
    let mut fixture = Fixture::watching("a.yaml", root, by_events()).await;
    swap(fixture.root.path(), "2", &[("a.yaml", "a1")]);
    fixture.watch.force_handle().force();
    assert_eq!(fixture.next().await.cause, ChangeCause::Force);
    swap(fixture.root.path(), "3", &[("a.yaml", "a3")]);
    fixture.expect(&["a3"]).await;
}

#[tokio::test]
async fn a_folder_replaced_by_rename() {
    let mut fixture = Fixture::new(by_events()).await;
    for text in ["a2", "a3"] {
        fs::create_dir(fixture.path("next")).unwrap();
        fixture.write("next/a.yaml", text);
        fixture.rename("rules", &format!("before {text}"));
        fixture.rename("next", "rules");
        fixture.expect(&[text]).await;
    }
    fixture.write("rules/a.yaml", "a4");
    fixture.expect(&["a4"]).await;
}

#[tokio::test]
async fn a_folder_deleted_and_created_again() {
    let mut fixture = Fixture::new(by_events()).await;
    for _ in 0..2 {
        fs::remove_dir_all(fixture.path("rules")).unwrap();
        fixture.expect_fault().await;
        fs::create_dir(fixture.path("rules")).unwrap();
        fixture.write("rules/a.yaml", "a1");
        // Also where the content is what it was before the fault, and where the new folder is seen before its file.
        while texts_of(&fixture.next().await) != ["a1"] {}
    }
}

#[tokio::test]
async fn a_folder_that_is_away_for_a_moment_is_no_change() {
    let mut fixture = Fixture::new(by_events()).await;
    fixture.rename("rules", "away");
    fixture.rename("away", "rules");
    fixture.write("rules/a.yaml", "a2");
    fixture.expect(&["a2"]).await;
}

#[tokio::test]
async fn a_path_that_is_created_late() {
    let mut fixture = Fixture::watching("not/yet/there", tempdir().unwrap(), by_events()).await;
    fs::create_dir_all(fixture.path("not/yet/there")).unwrap();
    fixture.expect(&[]).await;
    fixture.write("not/yet/there/a.yaml", "a1");
    fixture.expect(&["a1"]).await;
}

#[tokio::test]
async fn a_symlink_on_the_way_is_swapped_and_then_its_target_edited() {
    let root = tempdir().unwrap();
    for version in ["v1", "v2"] {
        fs::create_dir_all(root.path().join(version).join("rules")).unwrap();
        fs::write(root.path().join(version).join("rules/a.yaml"), version).unwrap();
    }
    symlink("v1", root.path().join("current")).unwrap();
    let mut fixture = Fixture::watching("current/rules", root, by_events()).await;
    fixture.link("v2", "next");
    fixture.rename("next", "current");
    fixture.expect(&["v2"]).await;
    fixture.write("v2/rules/a.yaml", "a3");
    fixture.expect(&["a3"]).await;
}

#[tokio::test]
async fn the_target_of_a_symlinked_file_is_edited() {
    let mut fixture = Fixture::new(by_events()).await;
    fixture.write("elsewhere", "b1");
    fixture.link("../elsewhere", "rules/b.yaml");
    fixture.expect(&["a1", "b1"]).await;
    fixture.write("elsewhere", "b2");
    fixture.expect(&["a1", "b2"]).await;
}

#[tokio::test]
async fn leftovers_and_touches_are_no_change() {
    let mut fixture = Fixture::new(by_events()).await;
    for name in ["a.yaml~", ".a.yaml.swp", "4913", "#a.yaml#", "README.md", "a.yaml.tmp", "..2024"] {
        fixture.write(&format!("rules/{name}"), "noise");
    }
    fixture.write("rules/a.yaml", "a1");
    fixture.watch.force_handle().force();
    let change = fixture.next().await;
    assert_eq!((texts_of(&change), change.cause), (vec!["a1"], ChangeCause::Force));
    fixture.write("rules/a.yaml", "a2");
    fixture.expect(&["a2"]).await;
}

#[tokio::test]
async fn without_events_the_second_look_finds_changes() {
    let mut fixture = Fixture::new(by_rescan()).await;
    fixture.write("rules/a.yaml", "a2");
    fixture.expect(&["a2"]).await;
    fs::remove_dir_all(fixture.path("rules")).unwrap();
    fixture.expect_fault().await;
}

/// A debounce that a writer who takes a tenth of it stays below even on a busy machine.
const LONG_DEBOUNCE: Duration = Duration::from_millis(400);

/// Does `first`, and `second` a tenth of the debounce later, and expects that only these texts are told.
async fn check_together(
    options: WatchOptions,
    first: impl FnOnce(&Path),
    second: impl FnOnce(&Path),
    texts: &[&str],
) {
    let mut fixture = Fixture::new(WatchOptions { debounce: LONG_DEBOUNCE, ..options }).await;
    let rules = fixture.path("rules");
    let writer = async {
        first(&rules);
        sleep(LONG_DEBOUNCE / 10).await;
        second(&rules);
    };
    tokio::join!(fixture.expect(texts), writer);
}

#[tokio::test]
async fn several_edits_in_a_row_are_one_change() {
    let edit = |rules: &Path| fs::write(rules.join("a.yaml"), "a2").unwrap();
    let add = |rules: &Path| fs::write(rules.join("b.yaml"), "b2").unwrap();
    check_together(by_events(), edit, add, &["a2", "b2"]).await;
}

#[tokio::test]
async fn a_file_half_written_is_not_told_by_the_second_look() {
    let half = |rules: &Path| fs::write(rules.join("a.yaml"), "ha").unwrap();
    let whole = |rules: &Path| fs::write(rules.join("a.yaml"), "half").unwrap();
    check_together(by_rescan(), half, whole, &["half"]).await;
}

#[tokio::test]
async fn a_folder_away_for_a_moment_is_no_fault_for_the_second_look() {
    let leave = |rules: &Path| fs::rename(rules, rules.with_extension("away")).unwrap();
    let return_edited = |rules: &Path| {
        fs::write(rules.with_extension("away").join("a.yaml"), "a2").unwrap();
        fs::rename(rules.with_extension("away"), rules).unwrap();
    };
    check_together(by_rescan(), leave, return_edited, &["a2"]).await;
}

#[tokio::test]
async fn a_fault_is_told_once_until_it_changes() {
    let mut fixture = Fixture::new(by_rescan()).await;
    fs::write(fixture.path("rules/b.yaml"), b"\xff").unwrap();
    fixture.expect_fault().await;
    let quiet = timeout(10 * DEBOUNCE, fixture.watch.changed()).await;
    assert!(quiet.is_err(), "told again: {quiet:?}");
    fs::write(fixture.path("rules/b.yaml"), b"\n\xff").unwrap();
    fixture.expect_fault().await;
    fixture.write("rules/b.yaml", "b1");
    fixture.expect(&["a1", "b1"]).await;
}

#[tokio::test]
async fn a_forced_look_tells_what_is_there() {
    let mut fixture = Fixture::new(by_events()).await;
    let handle = fixture.watch.force_handle();
    for _ in 0..2 {
        handle.force();
        let change = fixture.next().await;
        assert_eq!((texts_of(&change), change.cause), (vec!["a1"], ChangeCause::Force));
    }
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let mut fixture = Fixture::new(by_events()).await;
    fixture.write("rules/a.yaml", "a2");
    fixture.watch.force_handle().force();
    // Dropped at every place where it can wait, as a `select!` with a busy neighbour would.
    for millis in [0, 1, 5, 20] {
        if let Ok(change) = timeout(Duration::from_millis(millis), fixture.watch.changed()).await {
            assert_eq!(texts_of(&change), ["a2"]);
            return;
        }
    }
    assert_eq!(texts_of(&fixture.next().await), ["a2"]);
}
