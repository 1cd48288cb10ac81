//! How changes of such files are found, and when they are taken over.
//!
//! They are looked at by their content, about every second: a Kubernetes secret is swapped by a link above the file, an agent may
//! write in place, and some file systems report no events at all. What is read has to hold still for a moment before it is
//! taken over, so that nobody's half-written file is used.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long new content has to hold still.
const SETTLE: Duration = Duration::from_millis(50);

/// More than any password or bundle of certificates has, in bytes.
const MAX_SIZE: u64 = 4 << 20;

/// Something that is made of files.
pub trait Watched: fmt::Debug + Send + Sync {
    /// Reads the files, and takes over what has changed. Reading may block.
    fn look(&self) -> Look;
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// There is nothing more to do.
    Calm,
    /// Something has changed that may not be written to its end; it is taken over if it is the same at the next look.
    Moving,
}

/// Content of which the last two looks are compared.
#[derive(Debug)]
pub struct Steady<T> {
    moving: Option<T>,
}

impl<T> Default for Steady<T> {
    fn default() -> Self {
        Self { moving: None }
    }
}

impl<T: PartialEq> Steady<T> {
    /// Gives the content back where it was the same at the last look.
    pub fn settle(&mut self, found: T) -> Option<T> {
        if self.moving.as_ref() == Some(&found) {
            return self.moving.take();
        }
        self.moving = Some(found);
        None
    }

    /// Forgets what was seen: the files say again what is in force.
    pub fn forget(&mut self) {
        self.moving = None;
    }
}

/// Looks at the files for ever.
pub async fn watch(files: Vec<Arc<dyn Watched>>) {
    loop {
        let all = files.clone();
        let looks = spawn_blocking(move || all.iter().map(|one| one.look()).collect::<Vec<_>>()).await;
        let moving = looks.is_ok_and(|looks| looks.contains(&Look::Moving));
        sleep(if moving { SETTLE } else { INTERVAL }).await;
    }
}

/// All that a file holds, or why it is of no use, without repeating any of it.
///
/// # Errors
/// Where it cannot be read, is empty, or too large to be meant.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let file = File::open(path);
    match file.and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut content)) {
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        Ok(0) => Err(format!("{} is empty", path.display())),
        Ok(size) if size as u64 > MAX_SIZE => Err(format!("{} is larger than 4 MiB", path.display())),
        Ok(_) => Ok(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_taken_over_when_it_holds_still() {
        let mut steady = Steady::default();
        assert_eq!(
            [steady.settle("ha"), steady.settle("half"), steady.settle("half")],
            [None, None, Some("half")]
        );
        assert_eq!(steady.settle("half"), None, "taken over once");
        steady.forget();
        assert_eq!(steady.settle("half"), None);
    }
}
