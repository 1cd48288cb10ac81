//! Files that come, go and are full.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::{Lost, MOST_BYTES, Target, Writer};

const DEADLINE: Duration = Duration::from_secs(10);

async fn written(writer: &Writer, lines: u64) {
    while writer.queue.tally.lines() + writer.queue.tally.lost(Lost::Output) < lines {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn lines_go_to_the_file_that_has_the_name() {
    let folder = TempDir::new().unwrap();
    let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
    fs::write(&path, "before\n").unwrap();
    let writer = Writer::start(Target::File(path.clone())).unwrap();
    writer.queue().push(b"one\n".to_vec());
    written(&writer, 1).await;
    fs::rename(&path, &old).unwrap();
    writer.queue().push(b"two\n".to_vec());
    written(&writer, 2).await;
    fs::remove_file(&path).unwrap();
    writer.queue().push(b"three\n".to_vec());
    let tally = writer.tally();
    writer.finish(DEADLINE).await;
    assert_eq!(fs::read_to_string(old).unwrap(), "before\none\n");
    assert_eq!(fs::read_to_string(path).unwrap(), "three\n");
    assert_eq!((tally.lines(), tally.lost(Lost::Output)), (3, 0));
}

#[tokio::test]
async fn a_full_disk_and_a_missing_folder_cost_lines_only() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("later/log");
    for (target, mended) in [("/dev/full".into(), None), (path.clone(), path.parent())] {
        let writer = Writer::start(Target::File(target)).unwrap();
        writer.queue().push(b"one\n".to_vec());
        writer.queue().push(b"two\n".to_vec());
        written(&writer, 2).await;
        assert_eq!((writer.tally().lines(), writer.tally().lost(Lost::Output)), (0, 2));
        mended.into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        writer.queue().push(b"three\n".to_vec());
        writer.finish(DEADLINE).await;
    }
    assert_eq!(fs::read_to_string(path).unwrap(), "three\n");
}

#[tokio::test]
async fn a_stuck_output_fills_the_queue_and_holds_nobody_up() {
    let folder = TempDir::new().unwrap();
    // Opening a pipe that nobody reads waits for ever.
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = Writer::start(Target::File(pipe.clone())).unwrap();
    let (queue, line) = (writer.queue(), vec![b'x'; MOST_BYTES / 8]);
    for _ in 0..20 {
        queue.push(line.clone());
    }
    assert_eq!(writer.tally().lost(Lost::Queue), 12);
    for _ in 0..2_000 {
        queue.push(Vec::new());
    }
    assert!(writer.tally().lost(Lost::Queue) > 900);
    writer.finish(Duration::from_millis(20)).await;
    // Lets the thread go.
    drop(fs::OpenOptions::new().read(true).write(true).open(pipe).unwrap());
}
