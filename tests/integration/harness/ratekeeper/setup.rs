//! What a server of a test is started with.

use tempfile::TempDir;

use super::super::ports;
use super::{Listen, Ratekeeper, launch};

/// Files and variables for one server.
#[derive(Default)]
pub(crate) struct Setup {
    rules: Vec<(String, String)>,
    settings: String,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// Adds a rule file, named by its place.
    pub(crate) fn rules(self, text: &str) -> Self {
        let name = format!("rules-{}.yaml", self.rules.len());
        self.rule_file(&name, text)
    }

    /// Adds a rule file of this name.
    pub(crate) fn rule_file(mut self, name: &str, text: &str) -> Self {
        self.rules.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Adds lines to the settings file.
    pub(crate) fn settings(mut self, text: &str) -> Self {
        self.settings.push_str(text);
        self.settings.push('\n');
        self
    }

    /// Adds an environment variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn start(self) -> Ratekeeper {
        let mut server = self.launch();
        server.answers("/readyz").await;
        server
    }

    /// Starts the server and waits until it lives, ready or not.
    pub(crate) async fn start_unready(self) -> Ratekeeper {
        let mut server = self.launch();
        server.answers("/livez").await;
        server
    }

    fn launch(mut self) -> Ratekeeper {
        let folder = TempDir::with_prefix("ratekeeper-").unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        for (name, text) in &self.rules {
            std::fs::write(folder.path().join("rules").join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("ratekeeper.yaml"), &self.settings).unwrap();
        // A test waits for no pause that it did not ask for.
        if !self.settings.contains("drain:") {
            self.environment.push(("RATEKEEPER_DRAIN__PAUSE".to_owned(), "0s".to_owned()));
        }
        let listen = self.listen();
        Ratekeeper {
            listen,
            process: launch(&folder, &self.environment),
            environment: self.environment,
            folder,
        }
    }

    fn listen(&mut self) -> Listen {
        let mut give = |name: &str| {
            let address = ports::free();
            // In front, so that a test's own address wins.
            self.environment.insert(0, (format!("RATEKEEPER_LISTEN__{name}"), address.to_string()));
            address
        };
        Listen { grpc: give("GRPC"), http: give("HTTP"), metrics: give("METRICS"), admin: give("ADMIN") }
    }
}
