//! Who reaches the pod: by its Services, by what scrapes it, and by `helm test`.

use serde_json::Value;
use tokio::net::TcpStream;

use super::super::cluster::list;
use super::super::container::command;
use super::super::environment;
use super::super::probes::POD;
use super::Scene;

impl Scene {
    /// Each port of the Services is one of the container's, each that is scraped one of a Service's or the container's, and all are open on
    /// the pod's address. The admin port is not.
    pub(super) async fn has_the_ports_that_services_and_monitors_name(&self) {
        let ports = list(&self.pod.given, "ports").iter().map(|port| &port["name"]);
        let services: Vec<&Value> = self.cluster.all("Service").collect();
        assert!(!services.is_empty());
        let own = services.iter().flat_map(|service| list(&service["spec"], "ports"));
        let targets = own.map(|port| port.get("targetPort").unwrap_or(&port["port"]));
        let monitors = self.cluster.all("PodMonitor").flat_map(|it| list(&it["spec"], "podMetricsEndpoints"));
        for port in ports.chain(targets).chain(monitors.map(|endpoint| &endpoint["port"])) {
            let address = self.pod.port(port);
            TcpStream::connect(address)
                .await
                .unwrap_or_else(|error| panic!("port {port} at {address}: {error}"));
        }
        for monitor in self.cluster.all("ServiceMonitor").flat_map(|it| list(&it["spec"], "endpoints")) {
            let mut all = services.iter().flat_map(|service| list(&service["spec"], "ports"));
            assert!(all.any(|port| port["name"] == monitor["port"]), "no Service has {}", monitor["port"]);
        }
        for service in services {
            let labels = self.pod.object["metadata"]["labels"].as_object().unwrap();
            let selector = service["spec"]["selector"].as_object().unwrap();
            assert!(
                selector.iter().all(|(name, value)| labels.get(name) == Some(value)),
                "{selector:?} of {labels:?}"
            );
        }
        let admin = (POD, 6070);
        assert!(TcpStream::connect(admin).await.is_err(), "the admin port is for this pod alone");
    }

    /// The pods of `helm test` end well. They are run in the server's root, which is that of their image.
    pub(super) async fn helm_tests_pass(&self) {
        let mut count = 0;
        for pod in self.cluster.all("Pod") {
            for container in list(&pod["spec"], "containers") {
                assert!(container.get("volumeMounts").is_none(), "volumes of a test are news to these tests");
                let words = command(container, &environment::of(container, pod, &self.cluster));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                assert!(self.pod.container.exec(&self.running, &words).await, "helm test fails: {words:?}");
                count += 1;
            }
        }
        assert!(count > 0, "the chart has a test");
    }
}
