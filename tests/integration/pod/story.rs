//! The inner half: what happens to a pod of a set, from its first start to its end.

mod changes;
mod ending;
mod ports;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::cluster::{Cluster, list};
use super::container::Running;
use super::door::Door;
use super::kubelet::Pod;
use super::operator::{Operator, names_of};
use super::probes::Probe;
use super::rules::RuleFile;
use super::services::Services;
use super::stores::Store;
use crate::harness::callers::{Outcome, call_until_told_to_go, connect};
use crate::harness::{Ask, ask, tell};

/// How many callers hold a connection each, from the start to the end.
const CALLERS: usize = 4;

/// All that belongs to one pod while it runs.
struct Scene {
    cluster: Cluster,
    operator: Operator,
    // Before the pod, whose folder has its log.
    running: Arc<Running>,
    pod: Pod,
    _services: Services,
    door: Door,
    /// The last of them is the one that changes.
    files: Vec<RuleFile>,
    stores: Vec<Store>,
}

/// Plays it.
pub(super) async fn play(set: &str) {
    let mut scene = Scene::start(set).await;
    scene.has_the_ports_that_services_and_monitors_name().await;
    scene.helm_tests_pass().await;
    scene.rendered_limits_bite().await;
    let callers = scene.callers().await;
    let mut watch = scene.watch();
    scene.rules_are_swapped().await;
    scene.stores_have_the_counts().await;
    scene.passwords_are_swapped().await;
    scene.certificates_are_swapped().await;
    if let Some(failed) = watch.try_join_next() {
        panic!("{}\n{}", failed.unwrap(), scene.running.log());
    }
    watch.shutdown().await;
    scene.drains(callers).await;
}

impl Scene {
    /// Everything that a pod of this set needs, and the pod, which is ready.
    async fn start(set: &str) -> Self {
        let mut cluster = Cluster::with_snapshot(set);
        let operator = Operator::of(&cluster);
        let (object, given) = Pod::object(&cluster);
        operator.make_what_is_missing(&mut cluster, &object, &given);
        let files = RuleFile::all(&object, &cluster);
        let pod = Pod::create(object, given, &cluster);
        let (settings, mut stores) = (&pod.settings, Vec::new());
        if settings.store == ratekeeper::config::settings::Store::Redis {
            stores.push(Store::start(&settings.redis, 1, &operator).await);
        }
        if let Some(settings) = settings.redis_per_second.store() {
            stores.push(Store::start(settings, 2, &operator).await);
        }
        for (name, address) in stores.iter().flat_map(|store| &store.hosts) {
            pod.container.add_host(name, *address);
        }
        let services = Services::of(&cluster, &pod).await;
        for (name, address) in &services.hosts {
            pod.container.add_host(name, *address);
        }
        let door = door(&pod, &cluster, &operator);
        let running = Arc::new(pod.start().await);
        pod.container.check_user(&running);
        Self { cluster, operator, running, pod, _services: services, door, files, stores }
    }

    async fn rendered_limits_bite(&self) {
        assert!(!self.files.is_empty(), "no rule has a limit");
        for RuleFile { limit, .. } in &self.files {
            let most = self.share_of(limit.requests);
            self.bites(most, |value, hits| limit.ask(value, hits)).await;
        }
    }

    /// So many hits pass, and not one more.
    ///
    /// Tried with several values: a window may end between two questions, and where Redis misses its deadline on a busy machine, hits
    /// are counted in two places.
    async fn bites(&self, most: u32, ask: impl Fn(&str, u64) -> Ask) {
        let mut told = Vec::new();
        for value in ["one", "two", "three", "four", "five"] {
            told.clear();
            for hits in [u64::from(most) - 1, 1, 1] {
                told.push(tell(&self.door.ask(&ask(value, hits)).await));
            }
            let [_, full, over] = told.as_slice() else { panic!("three answers: {told:?}") };
            if full.starts_with(&format!("OK [ok 0/{most} ")) && over.starts_with("OVER_LIMIT [over 0/") {
                return;
            }
        }
        panic!("a limit of {most} does not bite: {told:?}\n{}", self.running.log());
    }

    /// What this deployment gives out of a limit.
    fn share_of(&self, requests: u32) -> u32 {
        let share = f64::from(requests) * self.pod.settings.counting.limit_share.part();
        (1..=requests).rev().find(|&whole| f64::from(whole) <= share).unwrap_or(1)
    }

    /// The file that changes, and the domain of its rules.
    fn changing(&self) -> &RuleFile {
        self.files.last().expect("a rule file")
    }

    /// Callers that hold their connections, and note what they lose.
    async fn callers(&self) -> JoinSet<Outcome> {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let connection = connect(self.door.open().await.unwrap()).await;
            let steady = ask("steady=v").domain(&self.changing().limit.domain);
            callers.spawn(call_until_told_to_go(connection, steady, Duration::from_millis(25)));
        }
        callers
    }

    /// Readiness and liveness, asked from now on as the kubelet asks them; what ends has failed.
    fn watch(&self) -> JoinSet<String> {
        let mut watch = JoinSet::new();
        for name in ["readinessProbe", "livenessProbe"] {
            if let Some(probe) = Probe::of(&self.pod.given, name) {
                let (container, running) = (Arc::clone(&self.pod.container), Arc::clone(&self.running));
                watch.spawn(async move { probe.fails(&container, &running).await });
            }
        }
        watch
    }
}

/// How Envoy asks this pod, by the settings and the names of its Services.
fn door(pod: &Pod, cluster: &Cluster, operator: &Operator) -> Door {
    let address = pod.port(&Value::from("grpc"));
    let settings = serde_json::to_value(&pod.settings).unwrap();
    let tls = &settings["grpc"]["tls"];
    let given = |field: &str| tls[field].as_str().is_some_and(|path| !path.is_empty());
    if !given("certificate") {
        return Door::plain(address);
    }
    let service = cluster.all("Service").next().expect("a Service");
    let name = names_of(service).pop().expect("a whole name");
    let names: Vec<&str> = list(tls, "allowed_names").iter().filter_map(Value::as_str).collect();
    let names = if names.is_empty() { vec!["gateway.of.a.mesh"] } else { names };
    let own = tls["client_ca"].as_str().filter(|_| given("client_ca")).map(|path| {
        let trusted = std::fs::read_to_string(pod.container.file(path)).unwrap();
        let authorities = [&operator.clients, &operator.servers];
        let authority = authorities.into_iter().find(|authority| authority.pem() == trusted);
        authority.expect("a CA that vouches for clients").issue(&names)
    });
    Door::secure(address, &operator.servers.pem(), &name, own.as_ref())
}

/// A while in which nothing happens but what was begun.
async fn a_while() {
    sleep(Duration::from_millis(300)).await;
}
