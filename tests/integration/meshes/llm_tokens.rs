//! `deploy/envoy/llm-tokens.yaml`: an Envoy in front of a language model, with limits in tokens that are known after the answer.

use ::http::{HeaderValue, Method};
use serde_json::Value;

use super::example::{Example, ratekeeper};
use crate::harness::http::{self, Answer};
use crate::harness::{Ask, Envoy, Ratekeeper, Upstream, ask, wait};

const FILE: &str = "deploy/envoy/llm-tokens.yaml";
const RULES: &str = "deploy/envoy/rules/llm-tokens.yaml";
const BURST: u32 = 100_000;
/// In which one of the 20,000 tokens comes back, of which the test makes as many in a year.
const ONE: f64 = 31_536_000.0 / 20_000.0;

struct Models {
    ratekeeper: Ratekeeper,
    envoy: Envoy,
    _upstream: Upstream,
}

impl Models {
    async fn start() -> Self {
        Self::of(Example::of_file(FILE)).await
    }

    async fn of(example: Example) -> Self {
        let (ratekeeper, upstream) = (ratekeeper(&[RULES]).await, Upstream::model().await);
        let envoy = example
            .cluster_at("model", &[upstream.address])
            .cluster_at("ratekeeper", &[ratekeeper.listen.grpc])
            .patient()
            .start("http")
            .await;
        Self { ratekeeper, envoy, _upstream: upstream }
    }

    /// A question to a model, the answer to which takes so many tokens; `None` fails.
    async fn complete(&self, team: &str, body: &str, tokens: Option<u32>) -> Answer {
        let tokens = tokens.map(|tokens| tokens.to_string());
        let tokens = tokens.iter().map(|tokens| ("x-tokens", tokens.as_str()));
        self.ask(body, tokens.chain([("x-team", team), JSON])).await
    }

    async fn ask<'a>(
        &self,
        body: &str,
        headers: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Answer {
        let mut request = http::request(Method::POST, "/v1/chat/completions", body);
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        http::send(self.envoy.entrance, request).await.unwrap()
    }

    /// What a look tells: tokens that are left, and seconds until there are some.
    async fn look(&self, ask: &Ask) -> (u32, i64) {
        let answer = self.ratekeeper.ask(ask).await.unwrap();
        let status = &answer.statuses[0];
        (status.limit_remaining, status.duration_until_reset.unwrap().seconds)
    }

    /// Waits until so many tokens are left. Envoy counts when the client has its answer.
    async fn left(&self, team: &str, model: &str, tokens: u32) {
        let what = format!("{tokens} to be left of {team}'s {model}");
        wait::until(&what, || async { self.look(&bucket(team, model)).await.0 == tokens }).await;
    }
}

fn bucket(team: &str, model: &str) -> Ask {
    ask(&format!("budget=tokens team={team} model={model}")).domain("llm").own_hits(0)
}

const JSON: (&str, &str) = ("content-type", "application/json");
const SMALL: &str = r#"{"model": "small", "messages": []}"#;
const LARGE: &str = r#"{"model": "large", "messages": []}"#;

#[tokio::test]
async fn tokens_are_counted_after_the_answer_and_a_debt_is_waited_for() {
    let models = Models::start().await;
    let first = models.complete("a", SMALL, Some(60_000)).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.json()["usage"]["total_tokens"], 60_000, "the answer is as the model gave it");
    models.left("a", "small", BURST - 60_000).await;
    // 40,000 are left, and nobody knows that this one takes more.
    assert_eq!(models.complete("a", SMALL, Some(90_000)).await.status, 200);
    models.left("a", "small", 0).await;
    let denied = models.complete("a", SMALL, Some(1)).await;
    assert_eq!(denied.status, 429);
    assert_eq!(denied.header("x-ratelimit-remaining"), "0");
    assert!(denied.header("x-ratelimit-limit").starts_with("20000, 20000;w=31536000"), "{denied:?}");
    let reset: f64 = denied.header("x-ratelimit-reset").parse().unwrap();
    let paid_off = 50_001.0 * ONE;
    assert!((paid_off - 60.0..=paid_off + 1.0).contains(&reset), "{reset} where it is {paid_off}");
    assert_eq!(models.complete("b", SMALL, Some(1)).await.status, 200, "another team");
}

#[tokio::test]
async fn an_answer_in_a_stream_is_counted_when_it_is_over() {
    let models = Models::start().await;
    let headers = [("x-team", "a"), ("x-tokens", "3000"), ("x-stream", "yes"), JSON];
    let answer = models.ask(SMALL, headers).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
    models.left("a", "small", BURST - 3_000).await;
}

#[tokio::test]
async fn what_was_denied_or_failed_costs_nothing() {
    let models = Models::start().await;
    assert_eq!(models.complete("a", SMALL, None).await.status, 500);
    assert_eq!(models.complete("a", SMALL, Some(BURST + 1)).await.status, 200);
    models.left("a", "small", 0).await;
    let (_, before) = models.look(&bucket("a", "small")).await;
    for _ in 0..5 {
        assert_eq!(models.complete("a", SMALL, Some(1_000)).await.status, 429);
    }
    // What is counted after an answer of another team comes after what would have been counted of these.
    assert_eq!(models.complete("b", SMALL, Some(10)).await.status, 200);
    models.left("b", "small", BURST - 10).await;
    let (_, after) = models.look(&bucket("a", "small")).await;
    assert!((before - 60..=before).contains(&after), "{after} after {before}");
}

#[tokio::test]
async fn a_large_model_counts_for_more_and_no_answer_for_more_than_its_bound() {
    let models = Models::start().await;
    assert_eq!(models.complete("a", LARGE, Some(1_000)).await.status, 200);
    models.left("a", "large", BURST - 4 * 1_000).await;
    assert_eq!(models.complete("a", LARGE, Some(900_000)).await.status, 200);
    models.left("a", "large", 0).await;
    let (_, reset) = models.look(&bucket("a", "large")).await;
    let paid_off = (f64::from(200_000 + 4_000 - BURST) + 1.0) * ONE;
    let told = f64::from(i32::try_from(reset).unwrap());
    assert!((paid_off - 60.0..=paid_off + 1.0).contains(&told), "{told} where it is {paid_off}");
}

#[tokio::test]
async fn made_up_models_and_questions_without_one_share_a_bucket() {
    let models = Models::start().await;
    for (number, body) in
        [r#"{"model": "x1"}"#, r#"{"model": "x2"}"#, "{}", "no JSON"].into_iter().enumerate()
    {
        assert_eq!(models.complete("a", body, Some(1_000)).await.status, 200, "{body}");
        models.left("a", "any", BURST - 1_000 * (u32::try_from(number).unwrap() + 1)).await;
    }
}

#[tokio::test]
async fn requests_are_bounded_whatever_they_cost() {
    let models = Models::start().await;
    let mut passed = 0;
    while models.complete("a", SMALL, Some(0)).await.status == 200 {
        passed += 1;
    }
    assert_eq!(passed, 60);
}

#[tokio::test]
async fn what_a_question_and_an_answer_call_themselves_decides_nothing() {
    let models = Models::start().await;
    let types =
        ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/Problem+JSON"];
    for (number, content) in (1..).zip(types) {
        let headers =
            [("x-team", "a"), ("x-tokens", "1000"), ("x-type", content), ("accept-encoding", "gzip"), JSON];
        assert_eq!(models.ask(SMALL, headers).await.status, 200);
        models.left("a", "small", BURST - 1_000 * number).await;
    }
    for (number, content) in (1..).zip(["application/json; charset=utf-8", "text/plain", ""]) {
        let headers = [("x-team", "a"), ("x-tokens", "1000"), ("content-type", content)];
        let kept = headers.into_iter().filter(|(_, value)| !value.is_empty());
        assert_eq!(models.ask(LARGE, kept).await.status, 200);
        models.left("a", "large", BURST - 4 * 1_000 * number).await;
    }
}

#[tokio::test]
async fn large_questions_pass_and_those_of_no_team_do_not() {
    let models = Models::start().await;
    let picture = "x".repeat(3 << 20);
    let question = format!(r#"{{"model": "small", "messages": ["{picture}"]}}"#);
    assert_eq!(models.complete("a", &question, Some(1_000)).await.status, 200);
    models.left("a", "small", BURST - 1_000).await;
    assert_eq!(models.ask(SMALL, [("x-tokens", "1000"), JSON]).await.status, 401);
}

#[tokio::test]
async fn questions_and_answers_may_be_told_apart() {
    let mut example = Example::of_file(FILE);
    assert_eq!(told_apart(&mut example.0), 3, "an entry, and a rule in each of two filters");
    let models = Models::of(example).await;
    assert_eq!(models.complete("a", SMALL, Some(1_001)).await.status, 200);
    models.left("a", "small", BURST - 1_001).await;
    let headers = [("x-team", "a"), ("x-tokens", "3000"), ("x-stream", "yes"), JSON];
    assert_eq!(models.ask(SMALL, headers).await.status, 200);
    models.left("a", "small", BURST - 4_001).await;
}

/// Puts one for `input_tokens` and one for `output_tokens` in the place of each rule and entry with `total_tokens`: how many.
fn told_apart(value: &mut Value) -> usize {
    let mut fields: Vec<(String, &mut Value)> = match value {
        Value::Object(fields) => fields.iter_mut().map(|(name, field)| (name.clone(), field)).collect(),
        Value::Array(items) => items.iter_mut().map(|item| (String::new(), item)).collect(),
        _ => Vec::new(),
    };
    let mut count = 0;
    for (name, field) in &mut fields {
        count += told_apart(field);
        let (Value::Array(items), true) = (field, matches!(name.as_str(), "rules" | "rate_limits")) else {
            continue;
        };
        let total: Vec<Value> =
            items.extract_if(.., |item| item.to_string().contains("total_tokens")).collect();
        count += total.len();
        for (kind, item) in
            ["input", "output"].iter().flat_map(|kind| total.iter().map(move |item| (kind, item)))
        {
            let text = item.to_string().replace("total_tokens", &format!("{kind}_tokens"));
            items.push(serde_json::from_str(&text).unwrap());
        }
    }
    count
}
