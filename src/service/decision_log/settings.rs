//! What the decision log is told to do, and how that may be changed while it does it.

use crate::decision::verdict::Outcome;

/// Lines in a second that may be asked for at the most; the settings' file is held to the same.
pub const MOST_PER_SECOND: u32 = 10_000;

/// Keys that may be hashed or left out at the most; the same.
pub const MOST_KEYS: usize = 100;

/// What is written, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionLogSettings {
    /// A request with one of these outcomes gets a line.
    pub outcomes: Outcomes,
    /// The part of those, from 0 to 1, that does.
    pub sample_ratio: f64,
    /// Lines in a second at the most.
    pub max_per_second: u32,
    /// Keys whose values are hashed.
    pub hash: Vec<String>,
    /// Keys whose values are left out; they go before those that are hashed.
    pub drop: Vec<String>,
}

/// A set of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcomes(u16);

/// What of the settings is to be otherwise; nothing stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// The names of outcomes.
    pub outcomes: Option<Vec<String>>,
    /// As in [`DecisionLogSettings`].
    pub sample_ratio: Option<f64>,
    /// As in [`DecisionLogSettings`].
    pub max_per_second: Option<u32>,
    /// As in [`DecisionLogSettings`].
    pub hash: Option<Vec<String>>,
    /// As in [`DecisionLogSettings`].
    pub drop: Option<Vec<String>>,
}

/// Why settings cannot be changed so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChangeFault {
    /// No outcome has that name.
    #[error("`outcomes` cannot have `{0}`; there are {names}", names = Outcome::ALL.map(Outcome::name).join(", "))]
    NoOutcome(String),
    /// None is wanted.
    #[error("`outcomes` needs at least one; to keep it silent, write \"sample_ratio\": 0")]
    NoOutcomes,
    /// It is no part.
    #[error("`sample_ratio` must be a number from 0 to 1, not {0}")]
    SampleRatio(f64),
    /// It is none, or too many.
    #[error("`max_per_second` must be from 1 to {MOST_PER_SECOND}, not {0}")]
    MaxPerSecond(u32),
    /// There are too many, or an empty one.
    #[error("`{0}` takes up to {MOST_KEYS} keys of entries, none of them empty")]
    Keys(&'static str),
}

/// An outcome's place in a set.
pub(super) const fn bit(outcome: Outcome) -> u16 {
    1 << outcome as u16
}

impl Outcomes {
    /// As a number that has a bit for each.
    pub(super) fn bits(self) -> u16 {
        self.0
    }

    /// Whether this one is in it.
    #[must_use]
    pub fn has(self, outcome: Outcome) -> bool {
        self.0 & bit(outcome) != 0
    }

    /// Those in it.
    pub fn iter(self) -> impl Iterator<Item = Outcome> {
        Outcome::ALL.into_iter().filter(move |outcome| self.has(*outcome))
    }

    /// Those of these names.
    fn named(names: &[String]) -> Result<Self, ChangeFault> {
        let find = |name: &String| Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
        let find = |name| find(name).ok_or_else(|| ChangeFault::NoOutcome(name.clone()));
        let outcomes: Self = names.iter().map(find).collect::<Result<_, _>>()?;
        if outcomes.0 == 0 { Err(ChangeFault::NoOutcomes) } else { Ok(outcomes) }
    }
}

impl FromIterator<Outcome> for Outcomes {
    fn from_iter<T: IntoIterator<Item = Outcome>>(outcomes: T) -> Self {
        Self(outcomes.into_iter().fold(0, |bits, outcome| bits | bit(outcome)))
    }
}

impl Change {
    /// Whether it makes sense.
    pub(super) fn check(&self) -> Result<(), ChangeFault> {
        if let Some(names) = &self.outcomes {
            Outcomes::named(names)?;
        }
        if let Some(ratio) = self.sample_ratio.filter(|ratio| !(0.0..=1.0).contains(ratio)) {
            return Err(ChangeFault::SampleRatio(ratio));
        }
        if let Some(most) = self.max_per_second.filter(|most| !(1..=MOST_PER_SECOND).contains(most)) {
            return Err(ChangeFault::MaxPerSecond(most));
        }
        let keys = [("hash", &self.hash), ("drop", &self.drop)];
        let is_wrong = |keys: &Vec<String>| keys.len() > MOST_KEYS || keys.iter().any(String::is_empty);
        match keys.into_iter().find(|(_, keys)| keys.as_ref().is_some_and(is_wrong)) {
            Some((name, _)) => Err(ChangeFault::Keys(name)),
            None => Ok(()),
        }
    }

    pub(super) fn applied_to(&self, settings: &DecisionLogSettings) -> DecisionLogSettings {
        let outcomes = self.outcomes.as_ref().and_then(|names| Outcomes::named(names).ok());
        DecisionLogSettings {
            outcomes: outcomes.unwrap_or(settings.outcomes),
            sample_ratio: self.sample_ratio.unwrap_or(settings.sample_ratio),
            max_per_second: self.max_per_second.unwrap_or(settings.max_per_second),
            hash: self.hash.as_ref().unwrap_or(&settings.hash).clone(),
            drop: self.drop.as_ref().unwrap_or(&settings.drop).clone(),
        }
    }
}
