//! Cases of (rules, requests, expected answers), all asked of one server.

use std::panic::Location;

use crate::harness::ratekeeper::Setup;
use crate::harness::{Ask, Ratekeeper, tell};

/// The domain in requests for which a case means its own.
const OWN_DOMAIN: &str = "mesh";

/// Cases, each with a domain of its own, so that one server has room for all of them.
#[derive(Default)]
pub(super) struct Table {
    cases: Vec<Case>,
}

struct Case {
    what: &'static str,
    descriptors: &'static str,
    steps: Vec<(Ask, &'static str)>,
    place: &'static Location<'static>,
}

impl Table {
    /// Adds a case: under these `descriptors` of a rule file, the asks are answered so, in this order.
    ///
    /// An expected answer that ends in `…` leaves the rest open.
    #[track_caller]
    pub(super) fn check(
        &mut self,
        what: &'static str,
        descriptors: &'static str,
        steps: impl IntoIterator<Item = (Ask, &'static str)>,
    ) {
        let steps = steps.into_iter().collect();
        self.cases.push(Case { what, descriptors, steps, place: Location::caller() });
    }

    /// Asks everything of one server with default settings.
    pub(super) async fn run(self) {
        self.run_on(Ratekeeper::setup()).await;
    }

    /// Asks everything of one server that is set up so.
    pub(super) async fn run_on(self, mut setup: Setup) {
        for (number, case) in self.cases.iter().enumerate() {
            setup = setup.rules(&format!("domain: case-{number}\ndescriptors:\n{}\n", case.descriptors));
        }
        let server = setup.start().await;
        let mut faults = Vec::new();
        for (number, case) in self.cases.iter().enumerate() {
            faults.extend(case.faults(number, &server).await);
        }
        assert!(faults.is_empty(), "{} answers are wrong:\n{}", faults.len(), faults.join("\n"));
    }
}

impl Case {
    async fn faults(&self, number: usize, server: &Ratekeeper) -> Vec<String> {
        let mut faults = Vec::new();
        for (step, (ask, expected)) in self.steps.iter().enumerate() {
            let mut request = ask.request();
            if request.domain == OWN_DOMAIN {
                request.domain = format!("case-{number}");
            }
            let found = tell(&server.send(request).await);
            let right = match expected.strip_suffix('…') {
                Some(start) => found.starts_with(start),
                None => found == *expected,
            };
            if !right {
                let (what, place) = (self.what, self.place);
                faults.push(format!(
                    "  {what} ({place}), request {}\n    expected {expected}\n    found    {found}",
                    step + 1
                ));
            }
        }
        faults
    }
}
