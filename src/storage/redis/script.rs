//! The scripts that Redis runs, and how each is called: by its hash, or with its text where the server may not have it.

use std::sync::LazyLock;

use redis::Cmd;

use crate::decision::algorithm::Algorithm;

/// One of our scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Counts hits in fixed windows, denied ones too.
    Count,
    /// Counts hits on buckets.
    CountTokenBucket,
    /// Counts hits in sliding windows.
    CountSlidingWindow,
    /// Counts hits in logs.
    CountSlidingLog,
    /// Counts requests that pass, and leaves no trace of those that do not.
    CountUnlessDenied,
    /// Adds what was admitted while the shard was away, once.
    Settle,
    /// Takes back what was counted in a given window.
    GiveBack,
}

/// Which scripts a server has, as far as one connection knows.
#[derive(Debug, Default)]
pub(super) struct KnownScripts([bool; Script::ALL.len()]);

struct Text {
    code: &'static str,
    sha1: String,
}

macro_rules! text {
    ($($file:literal),+) => {
        concat!($(include_str!(concat!("scripts/", $file)), "\n"),+)
    };
}

/// A script that needs any meter.
macro_rules! text_of_all {
    ($file:literal) => {
        text!(
            "counter.lua",
            "meter.lua",
            "token_bucket.lua",
            "sliding_window.lua",
            "sliding_log.lua",
            "meters.lua",
            $file
        )
    };
}

/// The script that counts on one meter.
macro_rules! text_of_meter {
    ($file:literal, $meter:literal, $told:literal) => {
        concat!(
            text!("counter.lua", "meter.lua", $file, "counting.lua"),
            "local METER, TOLD = ",
            $meter,
            ", ",
            $told,
            "\n",
            include_str!("scripts/count_meter.lua")
        )
    };
}

static TEXTS: LazyLock<[Text; Script::ALL.len()]> = LazyLock::new(|| {
    Script::ALL.map(|script| {
        let code = script.code();
        Text { code, sha1: redis::Script::new(code).get_hash().to_owned() }
    })
});

impl Script {
    const ALL: [Script; 7] = [
        Script::Count,
        Script::CountTokenBucket,
        Script::CountSlidingWindow,
        Script::CountSlidingLog,
        Script::CountUnlessDenied,
        Script::Settle,
        Script::GiveBack,
    ];

    /// The script that counts hits of this algorithm, denied ones as that has it.
    pub(super) fn count(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::FixedWindow => Self::Count,
            Algorithm::SlidingWindow => Self::CountSlidingWindow,
            Algorithm::TokenBucket | Algorithm::LeakyBucket => Self::CountTokenBucket,
            Algorithm::SlidingLog => Self::CountSlidingLog,
        }
    }

    /// The beginning of a call with so many keys; keys and arguments follow. A script that the server is not known to
    /// have goes with its text, which the server keeps: no round trip is lost, and nothing is sent twice.
    pub(super) fn call(self, known: &mut KnownScripts, keys: usize) -> Cmd {
        let text = &TEXTS[self as usize];
        let known = std::mem::replace(&mut known.0[self as usize], true);
        let mut command = Cmd::with_capacity(4 + 3 * keys, 64 + 64 * keys);
        match known {
            true => command.arg("EVALSHA").arg(&text.sha1),
            false => command.arg("EVAL").arg(text.code),
        };
        command.arg(keys);
        command
    }

    /// Its text.
    pub(super) fn code(self) -> &'static str {
        match self {
            Script::Count => text!("counter.lua", "count.lua"),
            Script::CountTokenBucket => text_of_meter!("token_bucket.lua", "token_bucket", 2),
            Script::CountSlidingWindow => text_of_meter!("sliding_window.lua", "sliding_window", 3),
            Script::CountSlidingLog => text_of_meter!("sliding_log.lua", "sliding_log", 1),
            Script::CountUnlessDenied => text_of_all!("count_unless_denied.lua"),
            Script::Settle => text_of_all!("settle.lua"),
            Script::GiveBack => text_of_all!("give_back.lua"),
        }
    }
}

impl KnownScripts {
    /// Notes that the server does not have a script: they are forgotten all together.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
