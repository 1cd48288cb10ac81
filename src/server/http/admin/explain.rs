//! `/explain`: which rule decides a request, what came close, and which counter it would use. Nothing is counted.

pub mod page;

mod hint;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::page::{CounterPage, DescriptorPage, ExplainPage, NowPage, Places};
use crate::decision::key::name::{EntriesFault, OwnedEntry, read_entries};
use crate::decision::plan::Modes;
use crate::decision::request::{Descriptor, Hits, Request};
use crate::decision::rules::RuleSet;
use crate::server::http::refusal::refuse;
use crate::service::counters::Which;
use crate::service::{Counters, NoRules, Rulebook};

/// Descriptors of one question at the most.
pub const MOST_DESCRIPTORS: usize = 32;

/// Entries of a descriptor at the most: as deep as rules are read.
pub const MOST_ENTRIES: usize = 64;

/// Questions that are worked on at a time. Each looks at all rules of some levels.
const AT_A_TIME: usize = 2;

/// How long the counters of one question may take to read.
const READ_TIME: Duration = Duration::from_secs(2);

/// What explains.
#[derive(Debug)]
pub struct Explainer {
    rulebook: Arc<Rulebook>,
    counters: Arc<Counters>,
    context: Context,
    turns: Semaphore,
}

/// What decides beside the rules.
#[derive(Debug, Clone)]
pub struct Context {
    /// How the service decides.
    pub modes: Modes,
    /// Where counters are.
    pub places: Places,
}

/// A request that somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    domain: String,
    descriptors: Vec<Vec<OwnedEntry>>,
}

/// Why a question cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskFault {
    /// A domain is missing.
    #[error("name the domain, as domain=D; /rlconfig on the admin port lists all of them")]
    NoDomain,
    /// Descriptors are missing.
    #[error("name a descriptor, as descriptor=key=value,key=value")]
    NoDescriptor,
    /// There are more than are explained.
    #[error("{0} descriptors are too many; ask about {MOST_DESCRIPTORS} at a time")]
    TooManyDescriptors(usize),
    /// There are more than any rule has.
    #[error("{0} entries are too many for a descriptor; no rule has more than {MOST_ENTRIES}")]
    TooManyEntries(usize),
    /// A descriptor cannot be read.
    #[error(transparent)]
    Entries(#[from] EntriesFault),
    /// The query has something else in it.
    #[error("`{0}` is no parameter; there are domain, descriptor, counts and format")]
    Unknown(String),
    /// A parameter has another value than it may have.
    #[error("`{0}` must be {1}")]
    Value(&'static str, &'static str),
}

/// A question by HTTP.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    asked: Asked,
    counts: bool,
    text: Option<bool>,
}

impl Asked {
    /// Reads the descriptors as people write them.
    ///
    /// # Errors
    /// Where one cannot be read, or there is none, or too much.
    pub fn read(domain: &str, descriptors: &[impl AsRef<str>]) -> Result<Self, AskFault> {
        if domain.is_empty() {
            return Err(AskFault::NoDomain);
        }
        match descriptors.len() {
            0 => return Err(AskFault::NoDescriptor),
            many if many > MOST_DESCRIPTORS => return Err(AskFault::TooManyDescriptors(many)),
            _ => {}
        }
        let read = |text: &str| match read_entries(text)? {
            entries if entries.len() > MOST_ENTRIES => Err(AskFault::TooManyEntries(entries.len())),
            entries => Ok(entries),
        };
        let descriptors = descriptors.iter().map(|text| read(text.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { domain: domain.to_owned(), descriptors })
    }

    /// Explains it by these rules.
    #[must_use]
    pub fn explain(&self, rules: &RuleSet, context: &Context) -> ExplainPage {
        let descriptors = self.descriptors.iter().map(|entries| descriptor(entries)).collect();
        let request = Request { domain: &self.domain, descriptors };
        ExplainPage::new(&request, rules, context.modes, &context.places)
    }
}

fn descriptor(entries: &[OwnedEntry]) -> Descriptor<'_> {
    let entries = entries.iter().map(OwnedEntry::as_entry).collect();
    Descriptor { entries, limit_override: None, hits: Hits::Take(1) }
}

impl Question {
    fn read(query: &str) -> Result<Self, AskFault> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(query).map_err(|_| AskFault::Value("the query", "name=value&…"))?;
        let (mut domain, mut descriptors, mut counts, mut text) = (String::new(), Vec::new(), false, None);
        for (name, value) in pairs {
            match (name.as_str(), value.as_str()) {
                ("domain", _) => domain = value,
                ("descriptor", _) => descriptors.push(value),
                ("counts", "true" | "false") => counts = value == "true",
                ("counts", _) => return Err(AskFault::Value("counts", "true or false")),
                ("format", "text" | "json") => text = Some(value == "text"),
                ("format", _) => return Err(AskFault::Value("format", "text or json")),
                _ => return Err(AskFault::Unknown(name)),
            }
        }
        Ok(Self { asked: Asked::read(&domain, &descriptors)?, counts, text })
    }
}

impl Explainer {
    /// Explains by the rules of this book, and reads counters there.
    #[must_use]
    pub fn new(rulebook: Arc<Rulebook>, counters: Arc<Counters>, context: Context) -> Self {
        Self { rulebook, counters, context, turns: Semaphore::new(AT_A_TIME) }
    }

    async fn explain(self: &Arc<Self>, asked: Asked) -> Option<ExplainPage> {
        let snapshot = self.rulebook.current().as_ref().map(Arc::clone)?;
        let _turn = self.turns.acquire().await;
        let explainer = Arc::clone(self);
        // Many rules take their time, and this thread answers requests, too.
        let page = move || asked.explain(&snapshot.rules, &explainer.context);
        tokio::task::spawn_blocking(page).await.ok()
    }

    async fn read_counts(&self, page: &mut ExplainPage) {
        let end = Instant::now() + READ_TIME;
        for counter in page.descriptors.iter_mut().flat_map(DescriptorPage::counters_mut) {
            counter.now = Some(self.read_count(counter, end).await);
        }
    }

    async fn read_count(&self, counter: &CounterPage, end: Instant) -> NowPage {
        let which = Which::OfKey(counter.key.clone());
        match timeout_at(end, self.counters.get(&which)).await {
            Ok(Ok(found)) => match found.foreign {
                Some(why) => NowPage::Unread { not_read: why.to_string() },
                None => NowPage::Read {
                    count: found.count,
                    remaining: counter
                        .burst
                        .unwrap_or(counter.limit)
                        .saturating_sub(u32::try_from(found.count).unwrap_or(u32::MAX)),
                    reset_seconds: found.reset_seconds,
                    next_seconds: found.next_seconds,
                },
            },
            Ok(Err(fault)) => NowPage::Unread { not_read: fault.to_string() },
            Err(_) => NowPage::Unread { not_read: format!("no answer within {READ_TIME:?}") },
        }
    }
}

/// The route.
pub(super) fn router<S: Clone + Send + Sync + 'static>(explainer: Arc<Explainer>) -> Router<S> {
    Router::new().route("/explain", get(explain)).with_state(explainer)
}

async fn explain(
    State(explainer): State<Arc<Explainer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let question = match Question::read(&query.unwrap_or_default()) {
        Ok(question) => question,
        Err(fault) => return refuse(StatusCode::BAD_REQUEST, &fault),
    };
    let Some(mut page) = explainer.explain(question.asked).await else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, &NoRules);
    };
    if question.counts {
        explainer.read_counts(&mut page).await;
    }
    match question.text.unwrap_or_else(|| wants_text(&headers)) {
        true => page.text().into_response(),
        false => Json(page).into_response(),
    }
}

fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/plain") && !accept.contains("application/json")
}
