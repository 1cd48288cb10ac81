//! A pod from its manifest to its end, as a kubelet brings it about.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ratekeeper::config::settings::{self, Settings};
use ratekeeper::config::source::SourceFile;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, list, only_known, text_at};
use super::container::{Container, Running};
use super::environment;
use super::probes::{POD, Probe, port_of};
use super::volumes::Volume;

/// A pod of the only Deployment.
pub(super) struct Pod {
    /// As the API server has it.
    pub(super) object: Value,
    /// The server's container in it.
    pub(super) given: Value,
    pub(super) container: Arc<Container>,
    pub(super) settings: Settings,
    volumes: Vec<Volume>,
    folder: TempDir,
}

impl Pod {
    /// What the controllers make of the Deployment: a pod that nothing of is there yet.
    pub(super) fn object(cluster: &Cluster) -> (Value, Value) {
        let template = &cluster.only("Deployment")["spec"]["template"];
        let mut object = template.clone();
        let name = cluster.only("Deployment")["metadata"]["name"].as_str().unwrap();
        object["metadata"]["name"] = format!("{name}-5d8f7c9b6-x2x4z").into();
        object["metadata"]["namespace"] = "default".into();
        object["metadata"]["uid"] = "6f1c1f0e-6a8e-4b0b-9f0f-3f1f0c5f7a11".into();
        object["status"] = json!({"podIP": POD.to_string(), "hostIP": "10.0.0.3"});
        object["spec"]["nodeName"] = "node-1".into();
        let containers = list(&object["spec"], "containers");
        let own = containers.iter().find(|container| text_at(container, "/name") == "ratekeeper");
        let own = own.expect("the server's container").clone();
        (object, own)
    }

    /// Lays out volumes and the container.
    pub(super) fn create(object: Value, given: Value, cluster: &Cluster) -> Self {
        let spec = &object["spec"];
        only_known("a pod", spec, &KNOWN);
        only_known("a pod's security context", &spec["securityContext"], &KNOWN_CONTEXT);
        assert_eq!(
            spec["automountServiceAccountToken"].as_bool(),
            Some(false),
            "it has nothing to tell the API server"
        );
        let folder = TempDir::with_prefix("kubelet-").unwrap();
        let group = spec["securityContext"]["fsGroup"].as_u64().map(|group| u32::try_from(group).unwrap());
        let place = folder.path().join("volumes");
        std::fs::create_dir(&place).unwrap();
        let volumes = list(spec, "volumes").iter();
        let volumes: Vec<_> =
            volumes.map(|given| Volume::set_up(given, &place, group, cluster, &object)).collect();
        let environment = environment::of(&given, &object, cluster);
        let container = Container::create(&given, &object, &volumes, environment.clone(), folder.path());
        for alias in list(spec, "hostAliases") {
            let names = list(alias, "hostnames").iter().filter_map(Value::as_str);
            names.for_each(|name| container.add_host(name, text_at(alias, "/ip").parse().unwrap()));
        }
        let settings = read_settings(&container, environment);
        Self { object, given, container: Arc::new(container), settings, volumes, folder }
    }

    /// Starts the container and waits until it has started and is ready, as the probes say.
    pub(super) async fn start(&self) -> Running {
        let running = self.container.start(self.folder.path()).await;
        for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
            if let Some(probe) = Probe::of(&self.given, name) {
                probe.succeeds(&self.container, &running).await;
            }
        }
        running
    }

    /// Brings what the objects hold now into the container's files.
    pub(super) fn sync(&mut self, cluster: &Cluster) {
        for volume in &mut self.volumes {
            volume.sync(cluster, &self.object);
        }
    }

    /// A port of the container on the pod's address.
    pub(super) fn port(&self, port: &Value) -> SocketAddr {
        SocketAddr::new(POD, port_of(list(&self.given, "ports"), port))
    }

    /// How long the pod has from the moment that it is deleted.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(self.object["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30))
    }

    /// Ends the container: `preStop`, SIGTERM, and what is left of the grace period. Gives how long it took, and its exit code.
    pub(super) async fn end(&self, running: &Running) -> (Duration, Option<i32>) {
        let begin = Instant::now();
        self.pre_stop(running).await;
        running.signal(Signal::TERM);
        loop {
            if let Some(status) = running.exited() {
                return (begin.elapsed(), status.code());
            }
            let log = || running.log();
            assert!(
                begin.elapsed() < self.grace(),
                "killed after {:?}, the grace period\n{}",
                self.grace(),
                log()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How long `preStop` takes, where that is known.
    pub(super) fn pre_stop_time(&self) -> Duration {
        Duration::from_secs(self.given["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap_or(0))
    }

    async fn pre_stop(&self, running: &Running) {
        let Some(hook) = self.given["lifecycle"].get("preStop") else { return };
        only_known("preStop", hook, &["exec", "sleep"]);
        sleep(self.pre_stop_time()).await;
        if let Some(exec) = hook.get("exec") {
            let words: Vec<&str> = list(exec, "command").iter().filter_map(Value::as_str).collect();
            assert!(self.container.exec(running, &words).await, "FailedPreStopHook: {words:?}");
        }
    }
}

/// The settings that the server will read, as it reads them.
fn read_settings(container: &Container, environment: environment::Environment) -> Settings {
    let file = container.settings_file().map(|path| {
        let text = std::fs::read_to_string(container.file(path));
        SourceFile::new(path, text.unwrap_or_else(|error| panic!("{path} in the container: {error}")))
    });
    settings::load(file.as_ref(), environment, &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The fields of a pod that are honoured, or do not matter to its processes.
const KNOWN: [&str; 23] = [
    "affinity",
    "automountServiceAccountToken",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "imagePullSecrets",
    // Containers of others are not run: their images are not here.
    "initContainers",
    "nodeName",
    "nodeSelector",
    "preemptionPolicy",
    "priorityClassName",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "shareProcessNamespace",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
];

const KNOWN_CONTEXT: [&str; 7] = [
    "fsGroup",
    "fsGroupChangePolicy",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "supplementalGroups",
];
