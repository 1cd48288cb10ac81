//! Values that are one of a few words.

use super::{Decoder, Field, Optional, closest, listed};
use crate::config::diagnostic::quote;

impl Decoder<'_, '_> {
    /// The value that stands beside the word that was written.
    pub(crate) fn choice<T: Copy>(&mut self, field: &Field<'_, '_>, choices: &[(&str, T)]) -> Optional<T> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*value));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = match closest(&text, &words) {
            Some(word) => format!("did you mean `{word}`? it can be: {}", listed(&words)),
            None => format!("it can be: {}", listed(&words)),
        };
        Err(self.refuse(field, format!("`{}` cannot be {}", field.name, quote(&text)), help))
    }
}
