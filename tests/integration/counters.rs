//! `ratekeeper counters` and the admin pages behind it, against every kind of store.

mod algorithms;
mod hostile;
mod local;
mod many;
mod pages;
mod shards;

use std::process::{Output, Stdio};

use serde_json::Value;

use crate::harness::Ratekeeper;
use crate::harness::ratekeeper::BINARY;

const RULES: &str = "
domain: mesh
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 3}}
  - {key: path, value: '/api/*', rate_limit: {unit: year, requests_per_unit: 50}}
  - {key: path, rate_limit: {unit: year, requests_per_unit: 9}}
  - {key: host, value: '*.example.com', share_threshold: true, rate_limit: {unit: year, requests_per_unit: 4}}
  - {key: free, rate_limit: {unlimited: true}}
  - {key: several, limits: [5/year, 7/3000d]}
  - {key: bucket, rate_limit: {unit: year, requests_per_unit: 6, algorithm: token_bucket, burst: 20}}
  - {key: leaky, rate_limit: {unit: year, requests_per_unit: 6, algorithm: leaky_bucket}}
  - {key: window, rate_limit: {unit: year, requests_per_unit: 6, algorithm: sliding_window}}
  - {key: log, rate_limit: {unit: year, requests_per_unit: 6, algorithm: sliding_log}}
  - {key: short, rate_limit: {per: 2s, requests_per_unit: 6, algorithm: sliding_log}}
  - key: both
    rate_limits:
      - {name: burst, unit: year, requests_per_unit: 6, algorithm: token_bucket}
      - {name: sum, unit: year, requests_per_unit: 9}
  - {key: paid, rate_limit: {unit: year, requests_per_unit: 2, algorithm: token_bucket, overdraft: true}}
";

/// What the command said.
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// The counters of a listing.
    #[track_caller]
    fn counters(&self) -> Vec<Value> {
        self.json()["counters"].as_array().unwrap().clone()
    }

    /// One column of a listing, in order.
    #[track_caller]
    fn column(&self, name: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut column: Vec<String> = self.counters().iter().map(|counter| text(&counter[name])).collect();
        column.sort();
        column
    }

    #[track_caller]
    fn succeeded(self) -> Self {
        assert_eq!(self.status, Some(0), "{}{}", self.out, self.err);
        self
    }
}

/// Runs `ratekeeper counters` with these words and nothing in its environment.
async fn run(words: &[&str]) -> Said {
    let mut command = tokio::process::Command::new(BINARY);
    command.arg("counters").args(words).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    Said {
        status: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Asks this server.
async fn of(server: &Ratekeeper, words: &[&str]) -> Said {
    let admin = server.listen.admin.to_string();
    run(&[words, &["--admin", &admin]].concat()).await
}

async fn json_of(server: &Ratekeeper, words: &[&str]) -> Said {
    of(server, &[words, &["--json"]].concat()).await.succeeded()
}

/// Whether a request with this descriptor passes.
async fn passes(server: &Ratekeeper, descriptor: &str) -> bool {
    let answer = server.ask(&crate::harness::ask(descriptor)).await.unwrap();
    answer.overall_code().as_str_name() == "OK"
}

async fn count(server: &Ratekeeper, descriptor: &str, hits: u32) {
    server.ask(&crate::harness::ask(descriptor).hits(hits)).await.unwrap();
}
