//! A proxy of the mesh: what was generated for it, by whom it is selected, and the Envoy that comes of it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::super::example::Example;
use super::base;

/// What Istio knows of a proxy, and gives it.
pub(super) struct Proxy {
    pub(super) context: &'static str,
    namespace: &'static str,
    /// Labels of the pod, or the name of the Gateway that it was deployed for.
    workload: Value,
    pub(super) listeners: Vec<Value>,
    pub(super) routes: Vec<Value>,
    pub(super) clusters: Vec<Value>,
}

impl Proxy {
    /// The ingress gateway of `istioctl install`, which listens on another port than its service.
    pub(super) fn ingress_gateway() -> Self {
        let workload = json!({"labels": {"app": "istio-ingressgateway", "istio": "ingressgateway"}});
        let routes = base::gateway_routes(8080, "checkout");
        Self::new("GATEWAY", "istio-system", workload, base::gateway_listener(8080), vec![routes])
    }

    /// What Istio deploys for a Gateway of the Gateway API.
    pub(super) fn of_gateway() -> Self {
        let routes = base::gateway_routes(80, "shop.checkout.0");
        Self::new("GATEWAY", "shop", json!({"gateway": "shop"}), base::gateway_listener(80), vec![routes])
    }

    /// The sidecar of a pod that serves HTTP on 8080 and TCP on 5432.
    pub(super) fn sidecar(app: &str) -> Self {
        let (listener, routes) = (base::inbound_listener(8080, 5432), base::inbound_routes(8080));
        Self::new("SIDECAR_INBOUND", "shop", json!({"labels": {"app": app}}), listener, vec![routes])
    }

    fn new(
        context: &'static str,
        namespace: &'static str,
        workload: Value,
        listener: Value,
        routes: Vec<Value>,
    ) -> Self {
        let clusters = vec![base::service_cluster(), base::application_cluster()];
        Self { context, namespace, workload, listeners: vec![listener], routes, clusters }
    }

    /// Whether a resource is for this proxy: its namespace, and its labels or targets.
    pub(super) fn is_selected_by(&self, filter: &Value) -> bool {
        let spec = &filter["spec"];
        assert!(spec["workloadSelector"].is_null() != spec["targetRefs"].is_null(), "exactly one of the two");
        let labels = spec["workloadSelector"]["labels"].as_object();
        let has_labels = |labels: &serde_json::Map<String, Value>| {
            labels.iter().all(|(name, value)| self.workload["labels"][name] == *value)
        };
        let target = json!({
            "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": self.workload["gateway"]});
        let is_target = spec["targetRefs"].as_array().is_some_and(|targets| targets.contains(&target));
        filter["metadata"]["namespace"] == self.namespace && (is_target || labels.is_some_and(has_labels))
    }

    /// The cluster by which ratekeeper is asked.
    pub(super) fn ratekeeper(&mut self) -> &mut Value {
        &mut self.clusters[0]
    }

    /// An Envoy of its own: routes stand where they came by RDS, and every chain has a listener, as nothing here redirects
    /// connections to one port.
    pub(super) fn example(self, ratekeeper: SocketAddr, application: SocketAddr) -> Example {
        let mut listeners = Vec::new();
        for listener in &self.listeners {
            for chain in listener["filter_chains"].as_array().unwrap() {
                let name = chain.get("name").unwrap_or(&listener["name"]);
                listeners.push(json!({"name": name, "filter_chains": [resolve(chain, &self.routes)]}));
            }
        }
        Example::of_parts(&listeners, &self.clusters)
            .cluster_at(base::RATEKEEPER, &[ratekeeper])
            .cluster_at(base::APPLICATION, &[application])
    }
}

fn resolve(chain: &Value, routes: &[Value]) -> Value {
    let mut chain = chain.clone();
    chain.as_object_mut().unwrap().remove("filter_chain_match");
    for filter in chain["filters"].as_array_mut().unwrap() {
        let config = filter["typed_config"].as_object_mut().unwrap();
        if let Some(rds) = config.remove("rds") {
            let found = routes.iter().find(|routes| routes["name"] == rds["route_config_name"]);
            config.insert("route_config".into(), found.unwrap().clone());
        }
    }
    chain
}
