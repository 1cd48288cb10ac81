//! A key as a table keeps it: beside what belongs to it while it is short, so that most keys cost neither an allocation nor a
//! second look into memory.

/// The longest key that stands in the entry: a domain of fifteen characters, `remote_address` and an IPv4 address.
const SHORT: usize = 54;

/// A key's bytes.
#[derive(Debug)]
pub(super) enum KeyBytes {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

impl KeyBytes {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match (u8::try_from(key.len()), bytes.get_mut(..key.len())) {
            (Ok(len), Some(room)) => {
                room.copy_from_slice(key);
                Self::Short { len, bytes }
            }
            _ => Self::Long(key.into()),
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_any_length_is_kept() {
        for len in [0, 1, SHORT - 1, SHORT, SHORT + 1, 200, 300] {
            let key: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            assert_eq!(KeyBytes::new(&key).as_slice(), key);
        }
    }

    #[test]
    fn the_length_of_a_short_key_costs_no_room() {
        assert_eq!(size_of::<Option<KeyBytes>>(), SHORT + 2);
    }
}
