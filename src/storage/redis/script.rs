//! The scripts that Redis runs, and how each is called: by its hash, or with its text where the server may not have it.

use std::sync::LazyLock;

use redis::Cmd;

/// One of our scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Counts hits, denied ones too.
    Count,
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
    ($file:literal) => {
        concat!(include_str!("scripts/counter.lua"), "\n", include_str!(concat!("scripts/", $file)))
    };
}

static TEXTS: LazyLock<[Text; Script::ALL.len()]> = LazyLock::new(|| {
    Script::ALL.map(|script| {
        let code = script.code();
        Text { code, sha1: redis::Script::new(code).get_hash().to_owned() }
    })
});

impl Script {
    const ALL: [Script; 4] = [Script::Count, Script::CountUnlessDenied, Script::Settle, Script::GiveBack];

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

    fn code(self) -> &'static str {
        match self {
            Script::Count => text!("count.lua"),
            Script::CountUnlessDenied => text!("count_unless_denied.lua"),
            Script::Settle => text!("settle.lua"),
            Script::GiveBack => text!("give_back.lua"),
        }
    }
}

impl KnownScripts {
    /// Notes that the server does not have a script: they are forgotten all together.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
