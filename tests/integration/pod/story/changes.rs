//! What changes while the pod runs: rules, passwords and certificates, each by a swap of its volume's `..data`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::cluster::{Kind, list, text_at};
use super::super::operator::PASSWORD;
use super::super::rules::SWAPPED;
use super::{Scene, a_while};
use crate::harness::authority::Issued;
use crate::harness::{Ask, ask, tell, wait};

/// What takes the place of the first password.
const NEXT_PASSWORD: &str = "second-password";

/// Keys enough for every server of a store to have one.
const KEYS: usize = 60;

impl Scene {
    /// New rules are in force without a restart, and without a call that fails: the callers see to that.
    pub(super) async fn rules_are_swapped(&mut self) {
        let file = self.files.last().expect("a rule file");
        let mut data = self.cluster.data(Kind::ConfigMap, &file.object).unwrap().clone();
        data.insert(file.key.clone(), file.others().into_bytes());
        self.cluster.apply(Kind::ConfigMap, &file.object, data);
        self.pod.sync(&self.cluster);
        let look = self.swapped("fresh").own_hits(0);
        let most = self.share_of(SWAPPED);
        let known = format!("OK [ok {most}/{most} year]");
        wait::until(&known, || async { tell(&self.door.ask(&look).await) == known }).await;
        self.bites(most, |value, hits| self.swapped(value).own_hits(hits)).await;
    }

    /// Counters are in the stores that the settings name, and per second in theirs.
    pub(super) async fn stores_have_the_counts(&self) {
        let Some(main) = self.stores.first() else { return };
        self.counted("swapped", 0, main.spread()).await;
        if let Some(second) = self.stores.get(1) {
            self.counted("fast", 1, 1).await;
            assert_eq!((main.having("fast=").await, second.having("swapped=").await), (0, 0));
        }
    }

    /// A new password is used from the moment that its Secret is swapped; the old one can then be taken away.
    pub(super) async fn passwords_are_swapped(&mut self) {
        if !self.stores.iter().any(super::Store::has_password) {
            return;
        }
        for store in &self.stores {
            store.allow(NEXT_PASSWORD).await;
        }
        self.change_secrets(|text| (text == PASSWORD.as_bytes()).then(|| NEXT_PASSWORD.into()));
        // Nothing that the pod shows tells when the file has been read; a look every 30 s is not waited for.
        a_while().await;
        for store in &self.stores {
            store.forbid(PASSWORD).await;
        }
        for index in 0..self.stores.len() {
            let key = if index == 0 { "swapped" } else { "fast" };
            self.counted(key, index, 1).await;
        }
        assert!(!self.running.log().contains(PASSWORD) && !self.running.log().contains(NEXT_PASSWORD));
    }

    /// A new certificate is shown to new connections; those that are open go on, which the callers see to.
    pub(super) async fn certificates_are_swapped(&mut self) {
        if !self.door.is_secure() {
            return;
        }
        let before = self.door.certificate().await;
        assert_eq!(before, self.door.certificate().await);
        let new = self.operator.renewed();
        let Issued { certificate, key } = std::mem::replace(&mut self.operator.server, new);
        let Issued { certificate: new_certificate, key: new_key } = &self.operator.server;
        let changes = [(certificate, new_certificate.clone()), (key, new_key.clone())];
        self.change_secrets(|text| {
            let change = changes.iter().find(|(old, _)| old.as_bytes() == text);
            change.map(|(_, new)| new.clone().into_bytes())
        });
        wait::until("the new certificate", || async { self.door.certificate().await != before }).await;
        let look = self.swapped("fresh").own_hits(0);
        assert!(tell(&self.door.ask(&look).await).starts_with("OK"));
    }

    fn swapped(&self, value: &str) -> Ask {
        ask(&format!("swapped={value}")).domain(&self.changing().limit.domain)
    }

    /// Asks about many values until so many servers of a store have counters of them.
    async fn counted(&self, key: &str, store: usize, servers: usize) {
        static ROUND: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let round = ROUND.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let store = &self.stores[store];
        let all = || async {
            for value in 0..KEYS {
                let ask = ask(&format!("{key}=round-{round}-{value}.")).domain(&self.changing().limit.domain);
                self.door.ask(&ask).await.unwrap();
                // A store that is just found out takes a while; one that has them needs no more.
                if value % 10 == 9 && store.having(&format!("round-{round}-")).await >= servers {
                    return true;
                }
            }
            false
        };
        wait::until(&format!("counters of {key} in {servers} servers"), all).await;
    }

    /// Writes Secrets anew, where the change has a new text for an old one, and swaps them.
    fn change_secrets(&mut self, change: impl Fn(&[u8]) -> Option<Vec<u8>>) {
        let mut changed = false;
        for name in self.secrets() {
            let mut data = self.cluster.data(Kind::Secret, &name).unwrap().clone();
            for text in data.values_mut() {
                if let Some(new) = change(text) {
                    (*text, changed) = (new, true);
                }
            }
            self.cluster.apply(Kind::Secret, &name, data);
        }
        assert!(changed, "no Secret of the pod has it");
        self.pod.sync(&self.cluster);
    }

    /// The Secrets that the pod has volumes of.
    fn secrets(&self) -> BTreeSet<String> {
        let volumes = list(&self.pod.object["spec"], "volumes");
        let whole = volumes
            .iter()
            .filter_map(|volume| volume.get("secret"))
            .map(|secret| text_at(secret, "/secretName"));
        let parts = volumes.iter().flat_map(|volume| list(&volume["projected"], "sources"));
        let parts =
            parts.filter_map(|part| part.get("secret")).map(|secret: &Value| text_at(secret, "/name"));
        whole.chain(parts).map(ToOwned::to_owned).collect()
    }
}
