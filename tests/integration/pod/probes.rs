//! Probes as a kubelet makes them: from outside, to the pod's address, as often and as patiently as rendered.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::cluster::{list, only_known, text_at};
use super::container::{Container, Running};
use crate::harness::{http, wait};

/// Where the pod is.
pub(super) const POD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 10, 0, 7));

/// One probe of the manifest.
pub(super) struct Probe {
    name: &'static str,
    given: Value,
    ports: Vec<Value>,
}

impl Probe {
    /// The probe of this name, such as `readinessProbe`.
    pub(super) fn of(container: &Value, name: &'static str) -> Option<Self> {
        let given = container.get(name)?.clone();
        only_known(name, &given, &KNOWN);
        Some(Self { name, given, ports: list(container, "ports").to_vec() })
    }

    /// Probes until it has succeeded as often as it must.
    ///
    /// # Panics
    ///
    /// When the kubelet would have given up: a startup or liveness probe that fails too often has the container killed. It waits for
    /// readiness for ever, which these tests do not.
    pub(super) async fn succeeds(&self, container: &Container, running: &Running) {
        sleep(self.seconds("initialDelaySeconds", 0)).await;
        let (mut good, mut bad) = (0, 0);
        loop {
            match self.once(container, running).await {
                Ok(()) => (good, bad) = (good + 1, 0),
                Err(failure) => {
                    eprintln!("{} fails: {failure}", self.name);
                    (good, bad) = (0, bad + 1);
                }
            }
            if good >= self.number("successThreshold", 1) {
                return;
            }
            let most = self.number("failureThreshold", 3).max(self.patience());
            assert!(bad < most, "{} has failed {most} times\n{}", self.name, running.log());
            sleep(self.seconds("periodSeconds", 10)).await;
        }
    }

    /// Probes for ever; returns when it has failed as often as it takes to have the container killed, or taken out of the Service.
    pub(super) async fn fails(&self, container: &Container, running: &Running) -> String {
        let mut bad = 0;
        loop {
            sleep(self.seconds("periodSeconds", 10)).await;
            bad = match self.once(container, running).await {
                Ok(()) => 0,
                Err(failure) => {
                    eprintln!("{} fails: {failure}", self.name);
                    bad + 1
                }
            };
            if bad >= self.number("failureThreshold", 3) {
                return format!("{} failed {bad} times", self.name);
            }
        }
    }

    /// Probes once.
    pub(super) async fn once(&self, container: &Container, running: &Running) -> Result<(), String> {
        let limit = self.seconds("timeoutSeconds", 1);
        let attempt = self.attempt(container, running);
        timeout(limit, attempt).await.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")))
    }

    async fn attempt(&self, container: &Container, running: &Running) -> Result<(), String> {
        if let Some(get) = self.given.get("httpGet") {
            return self.get(get).await;
        }
        if let Some(grpc) = self.given.get("grpc") {
            return check(self.address(&grpc["port"]), grpc["service"].as_str().unwrap_or_default()).await;
        }
        if let Some(exec) = self.given.get("exec") {
            let words: Vec<&str> = list(exec, "command").iter().filter_map(Value::as_str).collect();
            let well = container.exec(running, &words).await;
            return if well { Ok(()) } else { Err(format!("{words:?} says no")) };
        }
        let tcp = self.given.get("tcpSocket").unwrap_or_else(|| panic!("{} of no kind", self.name));
        TcpStream::connect(self.address(&tcp["port"])).await.map(drop).map_err(|error| error.to_string())
    }

    async fn get(&self, get: &Value) -> Result<(), String> {
        only_known("an HTTP probe", get, &["path", "port", "scheme"]);
        assert_ne!(get["scheme"].as_str(), Some("HTTPS"), "the kubelet of these tests asks without TLS");
        let answer = http::get(self.address(&get["port"]), text_at(get, "/path")).await;
        match answer {
            Ok(answer) if (200..400).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("{} {}", answer.status, answer.text())),
            Err(failure) => Err(failure.to_string()),
        }
    }

    /// How many failures are waited for where a kubelet waits for ever.
    fn patience(&self) -> u64 {
        if self.name == "readinessProbe" {
            wait::PATIENCE.as_secs() / self.number("periodSeconds", 10)
        } else {
            0
        }
    }

    fn address(&self, port: &Value) -> SocketAddr {
        SocketAddr::new(POD, port_of(&self.ports, port))
    }

    fn seconds(&self, field: &str, default: u64) -> Duration {
        Duration::from_secs(self.number(field, default))
    }

    fn number(&self, field: &str, default: u64) -> u64 {
        self.given[field].as_u64().unwrap_or(default)
    }
}

/// The number of a port that is given by number or by the name that a container has for it.
pub(super) fn port_of(ports: &[Value], port: &Value) -> u16 {
    let number = match port.as_str() {
        Some(name) => {
            ports.iter().find(|port| port["name"].as_str() == Some(name)).map(|port| &port["containerPort"])
        }
        None => Some(port),
    };
    let number = number.and_then(Value::as_u64).unwrap_or_else(|| panic!("the container has no port {port}"));
    u16::try_from(number).unwrap()
}

/// gRPC health without TLS, as kubelets ask.
async fn check(address: SocketAddr, service: &str) -> Result<(), String> {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let request = HealthCheckRequest { service: service.to_owned() };
    match HealthClient::new(channel).check(request).await {
        Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
        Ok(answer) => Err(format!("{:?}", answer.get_ref().status())),
        Err(status) => Err(status.to_string()),
    }
}

const KNOWN: [&str; 9] = [
    "httpGet",
    "grpc",
    "exec",
    "tcpSocket",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "successThreshold",
    "failureThreshold",
];
