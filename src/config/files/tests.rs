//! Readings of real temporary folders.
#![expect(clippy::disallowed_methods, reason = "threads of their own that swap files; no runtime is held up")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::{TempDir, tempdir};

use super::*;

/// A folder with these files in it, each with its own name as text.
fn folder(names: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    names.iter().for_each(|name| write(folder.path().join(name), name));
    folder
}

fn write(path: impl AsRef<Path>, text: &str) {
    fs::write(path, text).unwrap();
}

fn read(paths: &[&Path]) -> RuleSources {
    RuleFiles::new(paths.iter().map(PathBuf::from)).read()
}

/// The paths below `root` that `paths` are read from, in order.
#[track_caller]
fn check_names(root: &TempDir, paths: &[&str], expected: &[&str]) {
    let paths: Vec<PathBuf> = paths.iter().map(|path| root.path().join(path)).collect();
    let sources = RuleFiles::new(paths).read();
    assert!(!sources.has_faults(), "{sources:?}");
    let names: Vec<_> = sources.readable().map(|file| Path::new(&*file.name)).collect();
    let expected: Vec<_> = expected.iter().map(|name| root.path().join(name)).collect();
    assert_eq!(names, expected);
}

/// The files in order: the name of one that can be used, and where and what is wrong with another.
#[track_caller]
fn check_files(paths: &[&Path], expected: &[String]) {
    let told: Vec<String> = read(paths).files.iter().map(told).collect();
    assert_eq!(told, expected);
}

fn told(file: &Result<SourceFile, Diagnostics>) -> String {
    match file {
        Ok(file) => file.name.to_string(),
        Err(faults) => faults.iter().map(|fault| format!("{}: {}", fault.origin, fault.message)).collect(),
    }
}

#[test]
fn a_folder_is_its_yaml_files_by_name() {
    let leftovers = ["a.yaml~", ".a.yaml.swp", "#a.yaml#", "4913", "a.yaml.tmp", "README.md", ".hidden.yaml"];
    let root = folder(&[["b.yaml", "a.yml", "c.yaml"].as_slice(), &leftovers].concat());
    fs::create_dir(root.path().join("sub.yaml")).unwrap();
    write(root.path().join("sub.yaml/deep.yaml"), "");
    check_names(&root, &[""], &["a.yml", "b.yaml", "c.yaml"]);
}

#[test]
fn a_file_named_directly_is_read_whatever_its_ending() {
    let root = folder(&["rules.conf", "a.yaml"]);
    check_names(&root, &["rules.conf"], &["rules.conf"]);
    check_names(&root, &["rules.conf", "a.yaml"], &["rules.conf", "a.yaml"]);
}

#[test]
fn a_file_that_is_reached_twice_is_read_once() {
    let root = folder(&["a.yaml", "b.yaml"]);
    symlink("a.yaml", root.path().join("z.yaml")).unwrap();
    symlink(".", root.path().join("..data")).unwrap();
    check_names(&root, &["", ""], &["a.yaml", "b.yaml"]);
    check_names(&root, &["b.yaml", "", "..data"], &["b.yaml", "a.yaml"]);
}

#[test]
fn an_empty_folder_is_no_fault() {
    check_names(&folder(&[]), &[""], &[]);
    check_names(&folder(&[]), &[], &[]);
}

#[test]
fn the_fingerprint_is_of_names_and_texts() {
    let root = folder(&["a.yaml", "b.yaml"]);
    let print = || read(&[root.path()]).fingerprint;
    let first = print();
    write(root.path().join("a.yaml"), "a.yaml");
    assert_eq!(print(), first, "written again, same text");
    write(root.path().join("a.yaml"), "A.yaml");
    assert_ne!(print(), first, "other text");
    fs::rename(root.path().join("b.yaml"), root.path().join("c.yaml")).unwrap();
    write(root.path().join("a.yaml"), "a.yaml");
    assert_ne!(print(), first, "other name");
}

#[test]
fn the_fingerprint_is_of_faults_too() {
    let root = folder(&["a.yaml"]);
    let write_b = |bytes: &[u8]| fs::write(root.path().join("b.yaml"), bytes).unwrap();
    let print = || read(&[root.path()]).fingerprint;
    let without = print();
    write_b(b"\xff");
    let with = print();
    assert_ne!(with, without, "a fault came");
    assert_eq!(print(), with, "the same fault");
    write(root.path().join("a.yaml"), "A.yaml");
    assert_ne!(print(), with, "other text beside the same fault");
    write(root.path().join("a.yaml"), "a.yaml");
    write_b(b"\n\xff");
    assert_ne!(print(), with, "other fault");
}

#[test]
fn every_fault_is_told_with_its_place_beside_the_files_that_can_be_read() {
    let root = folder(&["a.yaml"]);
    let path = |name: &str| root.path().join(name);
    fs::write(path("b.yaml"), b"domain: \xc3\xa4\nkey: \xc3\xa4\xff\n").unwrap();
    File::create(path("c.yaml")).unwrap().set_len(MAX_FILE_BYTES as u64 + 1).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("d.yaml")).unwrap();
    let told = |name: &str, what: &str| format!("{}{what}", path(name).display());
    check_files(
        &[&path("none"), root.path()],
        &[
            told("none", ": the path does not exist"),
            told("a.yaml", ""),
            told("b.yaml", ":2:7: the file is not UTF-8: found the byte 0xff"),
            told("c.yaml", ": the file is larger than 64 MiB"),
            told("d.yaml", ": the path is neither a file nor a folder"),
        ],
    );
}

/// The last file of a folder's survey is its only fault, and of this kind.
#[track_caller]
fn check_last_surveyed(root: &TempDir, name: &str, problem: Problem) {
    let mut files = Survey::of(&[root.path().to_path_buf()]).files;
    let name = root.path().join(name).to_str().unwrap().into();
    assert_eq!(files.pop(), Some(Err(FileFault { name, problem })));
    assert!(files.iter().all(Result::is_ok));
}

#[test]
fn too_many_files_and_too_much_text_are_refused() {
    let root = folder(&[]);
    for index in 0..=MAX_TOTAL_BYTES / MAX_FILE_BYTES as u64 {
        let file = File::create(root.path().join(format!("{index}.yaml"))).unwrap();
        file.set_len(MAX_FILE_BYTES as u64).unwrap();
    }
    check_last_surveyed(&root, "4.yaml", Problem::TooMuch);

    let root = folder(&[]);
    (0..=MAX_FILES).for_each(|index| write(root.path().join(format!("{index:05}.yaml")), ""));
    check_last_surveyed(&root, &format!("{MAX_FILES:05}.yaml"), Problem::TooManyFiles);

    let root = folder(&[]);
    (0..=MAX_FILES).for_each(|index| symlink("nowhere", root.path().join(format!("{index}.yaml"))).unwrap());
    let files = Survey::of(&[root.path().to_path_buf()]).files;
    assert_eq!(files.len(), MAX_FILES + 1, "faults are bounded as well");
}

#[test]
fn a_symlink_that_leads_nowhere_is_given_time_and_then_told() {
    let root = folder(&["a.yaml"]);
    let link = root.path().join("b.yaml");
    symlink("later", &link).unwrap();
    let told = format!("{}: the file is listed but cannot be found", link.display());
    check_files(&[root.path()], &[root.path().join("a.yaml").display().to_string(), told]);
    let mut surveys = 0;
    let sources = read_settled(|| {
        surveys += 1;
        // Two surveys make a reading; the last one of all finds the target.
        if surveys == 2 * READ_ATTEMPTS - 1 {
            write(root.path().join("later"), "");
        }
        Survey::of(&[root.path().to_path_buf()])
    });
    assert!(!sources.unwrap().has_faults());
}

const FILES_OF_A_VERSION: usize = 20;

fn file_of_a_version(index: usize) -> String {
    format!("{index}.yaml")
}

/// One version of a ConfigMap: its folder, with the version as text of every file. The version before stays for one
/// more swap, so that a careless reading finds files of both.
fn write_version(root: &Path, version: usize) {
    let folder = root.join(format!("..{version}"));
    fs::create_dir(&folder).unwrap();
    (0..FILES_OF_A_VERSION)
        .for_each(|index| write(folder.join(file_of_a_version(index)), &version.to_string()));
    symlink(format!("..{version}"), root.join("..next")).unwrap();
    fs::rename(root.join("..next"), root.join("..data")).unwrap();
    if let Some(old) = version.checked_sub(2) {
        fs::remove_dir_all(root.join(format!("..{old}"))).unwrap();
    }
}

/// A ConfigMap in its first version.
fn config_map() -> TempDir {
    let root = folder(&[]);
    write_version(root.path(), 0);
    for file in (0..FILES_OF_A_VERSION).map(file_of_a_version) {
        symlink(format!("..data/{file}"), root.path().join(file)).unwrap();
    }
    root
}

#[test]
fn a_swap_between_two_files_makes_the_reading_start_again() {
    let root = config_map();
    let path = |index| root.path().join(file_of_a_version(index));
    let mut surveys = 0;
    let sources = read_settled(|| {
        surveys += 1;
        let mut survey = Survey::of(&[path(0)]);
        if surveys == 1 {
            write_version(root.path(), 1);
        }
        survey.files.extend(Survey::of(&[path(1)]).files);
        survey
    });
    let sources = sources.unwrap();
    assert_eq!(sources.readable().map(|file| &*file.text).collect::<Vec<_>>(), ["1", "1"]);
}

#[test]
fn a_swap_is_never_seen_half_done() {
    let root = config_map();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let running = |_: &usize| !done.load(Ordering::Relaxed);
            for version in (1..).take_while(running) {
                write_version(root.path(), version);
                thread::sleep(Duration::from_micros(300));
            }
        });
        // Losing every race is allowed, and happens on a machine under load; a mixture is not.
        let readings =
            std::iter::repeat_with(|| read(&[root.path()])).filter(|sources| !sources.has_faults()).take(30);
        let mixed: Vec<_> = readings.filter(|sources| !is_one_version(sources)).collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(mixed, []);
    });
}

fn is_one_version(sources: &RuleSources) -> bool {
    let texts: Vec<_> = sources.readable().map(|file| &file.text).collect();
    texts.len() == FILES_OF_A_VERSION && texts.iter().all(|text| *text == texts[0])
}

#[test]
fn files_that_never_stop_changing_are_one_fault() {
    let root = folder(&["a.yaml"]);
    let mut size = 0;
    let sources = read_settled(|| {
        size += 1;
        write(root.path().join("a.yaml"), &"x".repeat(size));
        Survey::of(&[root.path().to_path_buf()])
    });
    assert_eq!(sources, None);
    let sources = RuleFiles::new(["one".into(), "two".into()]).fault(Problem::Unsettled);
    let told: Vec<String> = sources.files.iter().map(told).collect();
    assert_eq!(told, ["one, two: the rule files kept changing while they were read"]);
}
