//! Figures from a server's metrics page.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, ensure};

/// How long a metrics page may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sum of all samples of a metric on the page of this port. It must be there.
pub(crate) fn sum(port: u16, metric: &str) -> anyhow::Result<f64> {
    let page = page(port)?;
    let mut values = Vec::new();
    for line in page.lines() {
        let Some((name, value)) = line.rsplit_once(' ') else { continue };
        if name.split('{').next() == Some(metric) {
            values.extend(value.parse::<f64>().ok());
        }
    }
    ensure!(!values.is_empty(), "{metric} is not on the metrics page:\n{page}");
    Ok(values.iter().sum())
}

fn page(port: u16) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("no metrics page")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page).context("no metrics page")?;
    Ok(page)
}
