//! Envoy's configuration for a test, in JSON: one listener, one upstream, one cluster of replicas.
//!
//! The resilience settings are those of `deploy/envoy/envoy.yaml`, with shorter intervals. Unlike there, a call
//! that fails denies the request and the time-out is long, so that a failure of ours is seen and a slow
//! machine's is not.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::Envoy;

/// The domain that every Envoy of the tests asks for.
pub(crate) const DOMAIN: &str = "mesh";

/// How long Envoy waits for an answer; its default of 20 ms is too short for a machine that builds and tests.
const TIMEOUT: &str = "5s";

/// What to start an Envoy with.
pub(crate) struct Bootstrap {
    replicas: Vec<SocketAddr>,
    upstream: SocketAddr,
    rate_limits: Vec<Value>,
    filter_rate_limits: Vec<Value>,
    access_log: Option<String>,
    transport_socket: Option<Value>,
    canary: Option<SocketAddr>,
}

impl Bootstrap {
    pub(super) fn new(replicas: Vec<SocketAddr>, upstream: SocketAddr) -> Self {
        Self {
            replicas,
            upstream,
            rate_limits: Vec::new(),
            filter_rate_limits: Vec::new(),
            access_log: None,
            transport_socket: None,
            canary: None,
        }
    }

    /// Adds a descriptor to every request: one entry of `rate_limits` with these actions.
    pub(crate) fn descriptor(mut self, actions: &[Value]) -> Self {
        self.rate_limits.push(json!({"actions": actions}));
        self
    }

    /// Adds an entry of `rate_limits` with hits of its own, which Envoy takes only from the filter's part of a route.
    pub(crate) fn costly_descriptor(mut self, actions: &[Value], hits: u64) -> Self {
        self.filter_rate_limits.push(json!({"actions": actions, "hits_addend": {"number": hits}}));
        self
    }

    /// Has it write an access log of this format.
    pub(crate) fn access_log(mut self, format: &str) -> Self {
        self.access_log = Some(format.to_owned());
        self
    }

    /// Has it ask by this transport socket.
    pub(crate) fn secured(mut self, transport_socket: Value) -> Self {
        self.transport_socket = Some(transport_socket);
        self
    }

    /// Has it ask this server, too, by a second filter before the other one, whatever it answers.
    pub(crate) fn canary(mut self, grpc: SocketAddr) -> Self {
        self.canary = Some(grpc);
        self
    }

    /// Starts an Envoy with the HTTP filter.
    pub(crate) async fn start(self) -> Envoy {
        let mut manager = connection_manager(&self.http_filter(), &self.route(), self.access_log.as_deref());
        if self.canary.is_some() {
            let filters = manager["typed_config"]["http_filters"].as_array_mut().unwrap();
            filters.insert(0, self.canary_filter());
        }
        self.start_with(json!([manager])).await
    }

    /// Starts an Envoy with the TCP filter, which asks for one descriptor of these entries at each connection.
    pub(crate) async fn start_tcp(self, entries: &[(&str, &str)]) -> Envoy {
        let entries: Vec<Value> =
            entries.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let filters = json!([
            {"name": "envoy.filters.network.ratelimit", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.ratelimit.v3.RateLimit",
                "stat_prefix": "entrance", "domain": DOMAIN, "timeout": TIMEOUT,
                "failure_mode_deny": true, "descriptors": [{"entries": entries}],
                "rate_limit_service": self.service()}},
            {"name": "envoy.filters.network.tcp_proxy", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "entrance", "cluster": "upstream"}},
        ]);
        self.start_with(filters).await
    }

    async fn start_with(self, filters: Value) -> Envoy {
        let configuration = json!({
            "admin": {"address": socket("127.0.0.1:0".parse().unwrap())},
            "static_resources": {
                "listeners": [{
                    "name": "entrance", "address": socket("127.0.0.1:0".parse().unwrap()),
                    "filter_chains": [{"filters": filters}]}],
                "clusters": self.clusters()},
        });
        Envoy::start(&configuration.to_string()).await
    }

    fn clusters(&self) -> Vec<Value> {
        let canary = self.canary.map(|canary| {
            let mut cluster = self.replica_cluster();
            cluster["name"] = json!("canary");
            cluster["load_assignment"] = endpoints("canary", &[canary]);
            cluster
        });
        [upstream_cluster(self.upstream), self.replica_cluster()].into_iter().chain(canary).collect()
    }

    fn canary_filter(&self) -> Value {
        let mut filter = self.http_filter();
        filter["name"] = json!("canary");
        filter["typed_config"]["failure_mode_deny"] = json!(false);
        filter["typed_config"]["enable_x_ratelimit_headers"] = json!("OFF");
        let service = &mut filter["typed_config"]["rate_limit_service"]["grpc_service"];
        service["envoy_grpc"]["cluster_name"] = json!("canary");
        filter
    }

    /// The only route. What the filter finds in its own part of it replaces what stands beside the cluster.
    fn route(&self) -> Value {
        let action = json!({"cluster": "upstream", "rate_limits": self.rate_limits});
        let mut route = json!({"match": {"prefix": "/"}, "route": action});
        if !self.filter_rate_limits.is_empty() {
            route["typed_per_filter_config"] = json!({"envoy.filters.http.ratelimit": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute",
                "rate_limits": self.filter_rate_limits}});
        }
        route
    }

    fn http_filter(&self) -> Value {
        json!({"name": "envoy.filters.http.ratelimit", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit",
            "domain": DOMAIN, "timeout": TIMEOUT, "failure_mode_deny": true,
            "enable_x_ratelimit_headers": "DRAFT_VERSION_03", "rate_limit_service": self.service()}})
    }

    fn service(&self) -> Value {
        json!({"transport_api_version": "V3", "grpc_service": {
            "envoy_grpc": {"cluster_name": "ratekeeper"},
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,unavailable,reset", "num_retries": 3,
                "retry_back_off": {"base_interval": "0.001s", "max_interval": "5s"},
                "retry_host_predicate": [{
                    "name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type":
                        "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"}}],
                "host_selection_retry_max_attempts": 20}}})
    }

    fn replica_cluster(&self) -> Value {
        let mut cluster = json!({
            "name": "ratekeeper", "type": "STATIC", "connect_timeout": "1s", "lb_policy": "LEAST_REQUEST",
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}}}},
            "health_checks": [{
                "timeout": "1s", "interval": "0.1s", "no_traffic_interval": "0.1s",
                "unhealthy_threshold": 1, "healthy_threshold": 1,
                "grpc_health_check": {"service_name": "envoy.service.ratelimit.v3.RateLimitService"}}],
            "circuit_breakers": {"thresholds": [
                {"max_retries": 1000, "max_pending_requests": 10000, "max_requests": 10000}]},
            "common_lb_config": {"update_merge_window": "0s"},
            "load_assignment": endpoints("ratekeeper", &self.replicas),
        });
        if let Some(socket) = &self.transport_socket {
            cluster["transport_socket"] = socket.clone();
        }
        cluster
    }
}

/// The HTTP connection manager, which takes the client's address from `x-forwarded-for` so that a test can be
/// many clients.
fn connection_manager(filter: &Value, route: &Value, access_log: Option<&str>) -> Value {
    let access_log: Vec<Value> = access_log.into_iter().map(to_stdout).collect();
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "entrance", "use_remote_address": false, "access_log": access_log,
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"],
            "routes": [route]}]},
        "http_filters": [filter, {"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}})
}

/// Envoy writes the lines at once there; into a file only now and then.
fn to_stdout(format: &str) -> Value {
    json!({"name": "envoy.access_loggers.stdout", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"text_format_source": {"inline_string": format}}}})
}

fn upstream_cluster(address: SocketAddr) -> Value {
    json!({"name": "upstream", "type": "STATIC", "load_assignment": endpoints("upstream", &[address])})
}

fn endpoints(cluster: &str, addresses: &[SocketAddr]) -> Value {
    let endpoints: Vec<Value> =
        addresses.iter().map(|address| json!({"endpoint": {"address": socket(*address)}})).collect();
    json!({"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}]})
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
