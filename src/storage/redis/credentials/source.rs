//! Where user name and password come from.

use std::fmt;
use std::path::PathBuf;

use crate::secrets::watched::read;

/// A user name or a password: itself, or the file that holds it.
#[derive(Clone)]
pub enum Word {
    /// The text itself.
    Given(String),
    /// A file with the text in it; line breaks at its end do not belong to it.
    File(PathBuf),
}

/// Where user name and password come from. Without a password we are nobody: the server is not told who we are.
#[derive(Debug, Clone, Default)]
pub struct LoginSource {
    /// The user; none is Redis's default one.
    pub username: Option<Word>,
    /// The password.
    pub password: Option<Word>,
}

/// What a source says at one time.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Words {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

impl LoginSource {
    /// Whether it may say something else later.
    pub(super) fn has_files(&self) -> bool {
        [&self.username, &self.password].into_iter().any(|word| matches!(word, Some(Word::File(_))))
    }

    /// What it says now, or what is wrong with its files.
    pub(super) fn read(&self) -> Result<Words, String> {
        let read = |word: &Option<Word>| word.as_ref().map(Word::read).transpose();
        Ok(Words { username: read(&self.username)?, password: read(&self.password)? })
    }
}

impl Word {
    fn read(&self) -> Result<String, String> {
        let path = match self {
            Self::Given(text) => return Ok(text.clone()),
            Self::File(path) => path,
        };
        let mut text =
            String::from_utf8(read(path)?).map_err(|_| format!("{} is no UTF-8 text", path.display()))?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(text) }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("****"),
            Self::File(path) => path.fmt(f),
        }
    }
}
