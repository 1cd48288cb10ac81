//! Services in front of the pod, as kube-proxy makes them: names, and ports that lead to the pod's.

use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::cluster::{Cluster, list};
use super::kubelet::Pod;
use super::operator::names_of;
use super::probes::POD;

/// All Services of a cluster.
pub(super) struct Services {
    /// Names and addresses, as DNS has them.
    pub(super) hosts: Vec<(String, IpAddr)>,
    _relays: JoinSet<()>,
}

impl Services {
    /// Opens the ports of all of them, on the pod's own address: on another one of this machine, a port that is the container's, too, would
    /// keep the server from opening it for all addresses.
    pub(super) async fn of(cluster: &Cluster, pod: &Pod) -> Self {
        let (mut hosts, mut relays) = (Vec::new(), JoinSet::new());
        for service in cluster.all("Service") {
            hosts.extend(names_of(service).into_iter().map(|name| (name, POD)));
            for port in list(&service["spec"], "ports") {
                let number = u16::try_from(port["port"].as_u64().expect("a number")).unwrap();
                let target = pod.port(port.get("targetPort").unwrap_or(&port["port"]));
                // The pod of a Service without an address of its own is asked at its own ports.
                if target.port() != number && service["spec"]["clusterIP"].as_str() != Some("None") {
                    let listener = TcpListener::bind((POD, number)).await.unwrap();
                    relays.spawn(relay(listener, target));
                }
            }
        }
        Self { hosts, _relays: relays }
    }
}

/// Passes bytes on, both ways.
pub(super) async fn relay(listener: TcpListener, target: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(target).await {
                // Its end is that of either side, whatever it was.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
