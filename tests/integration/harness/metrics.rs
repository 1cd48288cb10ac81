//! Reads the Prometheus page.

use std::net::SocketAddr;

use super::http;

/// One reading of `/metrics`.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Reads the page.
    pub(crate) async fn read(address: SocketAddr) -> Self {
        let answer = http::get(address, "/metrics").await.unwrap();
        assert_eq!(answer.status, 200);
        Self(answer.text())
    }

    /// The sum of all samples of this name that carry all of these labels, each as `name="value"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.0.lines().filter_map(|line| sample(line, name, labels)).sum()
    }

    /// Whether there is any sample of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.lines().any(|line| sample(line, name, &[]).is_some())
    }
}

fn sample(line: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let (found, value) =
        if rest.starts_with('{') { rest.rsplit_once("} ")? } else { ("", rest.strip_prefix(' ')?) };
    if labels.iter().all(|label| found.contains(label)) { value.trim().parse().ok() } else { None }
}
