//! Lists that come in pages: odd pages, broken pages, and lists resumed elsewhere.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_api::gemini::{Endpoint, Gemini, ListCaches, ListModels};
use gimmal_api::{Continuation, Pager};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{CallOptions, NeverRetry, Transport};
use gimmal_types::gemini::CachedContent;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// A pager over these replies, and the transport that records what it asks for.
fn pager(replies: impl IntoIterator<Item = Reply>) -> (Pager<CachedContent>, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    (
        gemini(&http).list_caches(ListCaches::default(), CallOptions::default()),
        http,
    )
}

fn gemini(http: &ScriptedTransport) -> Gemini {
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    Gemini::new(transport, Endpoint::gemini_api().build().unwrap())
}

fn page(names: &[&str], next: Option<&str>) -> Reply {
    let caches: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    let mut body = json!({"cachedContents": caches});
    if let Some(next) = next {
        body["nextPageToken"] = json!(next);
    }
    Reply::json(200, body.to_string())
}

fn name(cache: CachedContent) -> String {
    cache.name.unwrap()
}

async fn rest(pager: &mut Pager<CachedContent>) -> Vec<String> {
    let names = pager.map_ok(name).try_collect();
    timeout(PATIENCE, names).await.unwrap().unwrap()
}

/// Covers: caches.list
#[tokio::test(start_paused = true)]
async fn an_empty_page_with_a_token_is_not_the_end() {
    let (mut pager, http) = pager([
        page(&["a"], Some("1")),
        Reply::json(200, r#"{"nextPageToken": "2"}"#),
        page(&[], Some("3")),
        page(&["b"], Some("")),
    ]);
    assert_eq!(
        http.request_count(),
        0,
        "nothing is sent before the list is read"
    );
    assert_eq!(rest(&mut pager).await, ["a", "b"]);
    let asked: Vec<String> = http
        .requests()
        .iter()
        .map(|request| request.path_and_query().to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "/v1/cachedContents",
            "/v1/cachedContents?pageToken=1",
            "/v1/cachedContents?pageToken=2",
            "/v1/cachedContents?pageToken=3",
        ]
    );
    assert_eq!(pager.continuation(), None);
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_an_empty_list() {
    for body in ["", "{}", r#"{"cachedContents": []}"#] {
        let (mut pager, _) = pager([Reply::json(200, body)]);
        assert!(rest(&mut pager).await.is_empty(), "{body}");
    }
    let (pager, _) = pager([Reply::json(200, "[]")]);
    let error = timeout(PATIENCE, pager.collect_all())
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_token_ends_the_list_after_its_items() {
    for tokens in [["1", "1"], ["1", "2"]] {
        let (mut pager, http) = pager([
            page(&["a"], Some(tokens[0])),
            page(&["b"], Some(tokens[1])),
            page(&["c"], Some("1")),
        ]);
        let mut names = Vec::new();
        let error = loop {
            match timeout(PATIENCE, pager.next()).await.unwrap().unwrap() {
                Ok(cache) => names.push(name(cache)),
                Err(error) => break error,
            }
        };
        let pages = http.request_count();
        assert_eq!(names, ["a", "b", "c"][..pages]);
        assert!(error.is_decode(), "{error}");
        assert_eq!(error.field(), Some("nextPageToken"));
        assert!(pager.next().await.is_none());
        assert_eq!(pager.continuation(), None);
        assert_eq!(http.request_count(), pages);
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_element_costs_only_itself() {
    let body = r#"{"cachedContents": [{"name": "a"}, {"name": 7}, {"name": "c"}]}"#;
    let (pager, _) = pager([Reply::json(200, body)]);
    let items: Vec<_> = timeout(PATIENCE, pager.collect()).await.unwrap();
    assert_eq!(items.len(), 3);
    let error = items[1].as_ref().unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert_eq!(error.payload().unwrap().as_ref(), br#"{"name":7}"#);
    assert_eq!(items[2].as_ref().unwrap().name.as_deref(), Some("c"));
}

/// Reads `taken` items, saves the place, and reads the rest in a new pager.
async fn interrupted_after(taken: usize) -> Vec<String> {
    let pages = || {
        [
            page(&["a", "b"], Some("1")),
            page(&["c", "d", "e"], Some("2")),
            page(&["f"], None),
        ]
    };
    let (mut first, http) = pager(pages());
    let mut names = Vec::new();
    for _ in 0..taken {
        names.push(name(first.try_next().await.unwrap().unwrap()));
    }
    let Some(place) = first.continuation() else {
        return names;
    };
    let saved = serde_json::to_string(&place).unwrap();
    let place: Continuation = serde_json::from_str(&saved).unwrap();

    // The page that was being read is asked for again, unless it was read to its end.
    let complete = matches!(taken, 0 | 2 | 5);
    let again = http.request_count() - usize::from(!complete);
    let (second, http) = pager(pages().into_iter().skip(again));
    names.extend(rest(&mut second.resume(place)).await);
    assert_eq!(http.remaining(), 0);
    names
}

#[tokio::test(start_paused = true)]
async fn a_list_goes_on_elsewhere_without_loss_or_repetition() {
    for taken in 0..=6 {
        let names = timeout(PATIENCE, interrupted_after(taken)).await.unwrap();
        assert_eq!(names, ["a", "b", "c", "d", "e", "f"], "after {taken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_saved_place_keeps_its_place_when_saved_again() {
    let (mut first, _) = pager([page(&["a", "b", "c"], None)]);
    first.try_next().await.unwrap();
    let place = first.continuation();
    let (second, _) = pager([]);
    assert_eq!(second.resume(place.clone().unwrap()).continuation(), place);
}

/// Covers: models.list
#[tokio::test(start_paused = true)]
async fn pages_come_with_their_headers() {
    let quota = |left: &'static str| {
        (
            HeaderName::from_static("x-quota-left"),
            HeaderValue::from_static(left),
        )
    };
    let models = |name: &str, key: &str, left, next: &str| {
        let body = json!({key: [{"name": name}], "nextPageToken": next});
        let (name, value) = quota(left);
        Reply::json(200, body.to_string()).with_header(name, value)
    };
    let http = ScriptedTransport::new([
        models("models/a", "models", "9", "1"),
        models("tunedModels/b", "tunedModels", "8", ""),
    ]);
    let mut list = ListModels::default();
    list.page_size = Some(1);
    let pages = gemini(&http)
        .list_models(list, CallOptions::default())
        .pages();
    let pages: Vec<_> = timeout(PATIENCE, pages.try_collect())
        .await
        .unwrap()
        .unwrap();
    let left: Vec<_> = pages
        .iter()
        .map(|page| &page.parts.headers["x-quota-left"])
        .collect();
    assert_eq!(left, ["9", "8"]);
    assert_eq!(pages[0].next_page_token.as_deref(), Some("1"));
    assert_eq!(pages[1].next_page_token, None);
    let second = pages[1].items[0].as_ref().unwrap();
    assert_eq!(second.name.as_deref(), Some("tunedModels/b"));
    assert_eq!(
        http.requests()[1].path_and_query(),
        "/v1/models?pageSize=1&pageToken=1"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_where_the_items_stopped() {
    let two = || [page(&["a", "b"], Some("1")), page(&["c"], None)];
    let [first, second] = two();
    let [again, _] = two();
    let (mut pager, _) = pager([first, again, second]);
    assert_eq!(name(pager.try_next().await.unwrap().unwrap()), "a");
    let pages: Vec<_> = timeout(PATIENCE, pager.pages().try_collect())
        .await
        .unwrap()
        .unwrap();
    let names: Vec<String> = pages
        .into_iter()
        .flat_map(|page| page.items)
        .map(|item| name(item.unwrap()))
        .collect();
    assert_eq!(names, ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_failed_is_asked_for_again() {
    let (mut first, _) = pager([
        page(&["a"], Some("1")),
        Reply::json(503, r#"{"error": {"status": "UNAVAILABLE"}}"#),
    ]);
    assert_eq!(name(first.try_next().await.unwrap().unwrap()), "a");
    let error = first.try_next().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 503);
    assert!(
        first.next().await.is_none(),
        "after a failed request the stream ends"
    );
    let place = first.continuation().unwrap();

    let (second, http) = pager([page(&["b"], None)]);
    assert_eq!(rest(&mut second.resume(place)).await, ["b"]);
    assert_eq!(
        http.requests()[0].path_and_query(),
        "/v1/cachedContents?pageToken=1"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_pager_can_be_resumed_after_a_failure() {
    let (mut pager, _) = pager([
        page(&["a", "b"], Some("1")),
        Reply::status(500),
        page(&["c"], None),
    ]);
    assert_eq!(name(pager.try_next().await.unwrap().unwrap()), "a");
    pager.try_next().await.unwrap();
    assert!(pager.try_next().await.is_err());
    let place = pager.continuation().unwrap();
    assert_eq!(rest(&mut pager.resume(place)).await, ["c"]);
}
