//! Requests on interactions and on the resources around them. Their JSON is in snake case.

use std::borrow::Cow;

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::decisions::CreateDecisionRequest;
use gimmal_types::gemini::interactions::{InteractionRequest, InteractionsInput};
use gimmal_types::gemini::triggers::TriggerCreateParams;
use gimmal_types::wire::WireValue;
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::Serialize;
use url::Url;

use super::{get, json};
use crate::gemini::{Collection, Endpoint, ListQuery};

/// Builds an `interactions.create` request; with `stream` for server-sent events.
///
/// # Errors
///
/// Fails unless a model or an agent is named.
pub fn create_interaction(
    endpoint: &Endpoint,
    request: &InteractionRequest,
    stream: bool,
) -> Result<Request, Error> {
    check_interaction(request)?;
    let mut request = Cow::Borrowed(request);
    // Several pieces of content are what the person says at once, which is a step on the wire.
    if let Some(InteractionsInput::Contents(contents)) = request.input() {
        let steps = InteractionsInput::Contents(contents.clone()).into_steps();
        request.to_mut().set_input(Some(steps));
    }
    request.to_mut().set_stream(stream.then_some(true));
    // Long work that is begun twice costs twice; a plain answer is worth asking for again.
    let idempotency = if request.is_background() || request.is_agent() {
        Idempotency::NotIdempotent
    } else {
        Idempotency::Idempotent
    };
    let body = serde_json::to_vec(&*request)
        .map_err(|error| Error::invalid("body", format!("cannot be written as JSON: {error}")))?;
    let built = Request::new(Method::POST, endpoint.url("interactions"))
        .with_json_body(body.into())
        .with_idempotency(idempotency);
    Ok(if stream { for_events(built) } else { built })
}

/// Builds an `interactions.get` request; `include_input` asks for what was said as well.
///
/// # Errors
///
/// Fails on a bad name.
pub fn get_interaction(
    endpoint: &Endpoint,
    id: &str,
    include_input: Option<bool>,
) -> Result<Request, Error> {
    let mut url = endpoint.url(&Collection::Interactions.path(endpoint, id)?);
    let mut query = Query::default();
    query.flag("include_input", include_input);
    query.flag("stream", Some(false));
    query.put(&mut url);
    Ok(get(url))
}

/// Builds an `interactions.get` request for server-sent events, from the start or after an event.
///
/// # Errors
///
/// Fails on a bad name.
pub fn watch_interaction(
    endpoint: &Endpoint,
    id: &str,
    include_input: Option<bool>,
    last_event_id: Option<&str>,
) -> Result<Request, Error> {
    let mut url = endpoint.url(&Collection::Interactions.path(endpoint, id)?);
    let mut query = Query::default();
    query.flag("include_input", include_input);
    query.text("last_event_id", last_event_id);
    query.flag("stream", Some(true));
    query.put(&mut url);
    Ok(for_events(get(url)))
}

/// Builds an `interactions.cancel` request.
///
/// # Errors
///
/// Fails on a bad name.
pub fn cancel_interaction(endpoint: &Endpoint, id: &str) -> Result<Request, Error> {
    let path = Collection::Interactions.path(endpoint, id)?;
    let url = endpoint.url(&format!("{path}/cancel"));
    Ok(Request::new(Method::POST, url).with_idempotency(Idempotency::Idempotent))
}

/// Builds a request that creates a resource.
///
/// # Errors
///
/// Fails when the record cannot be written as JSON.
pub fn create_resource<T: Serialize + WireValue>(
    endpoint: &Endpoint,
    collection: Collection,
    record: &T,
) -> Result<Request, Error> {
    Ok(Request::new(Method::POST, endpoint.url(collection.name())).with_json_body(json(record)?))
}

/// Builds a request that describes a resource.
///
/// # Errors
///
/// Fails on a bad name.
pub fn get_resource(
    endpoint: &Endpoint,
    collection: Collection,
    id: &str,
) -> Result<Request, Error> {
    Ok(get(endpoint.url(&collection.path(endpoint, id)?)))
}

/// Builds a request that changes a resource; without a mask, whatever the record sets changes.
///
/// # Errors
///
/// Fails on a bad name.
pub fn update_resource<T: Serialize + WireValue>(
    endpoint: &Endpoint,
    collection: Collection,
    id: &str,
    record: &T,
    update_mask: Option<&str>,
) -> Result<Request, Error> {
    let mut url = endpoint.url(&collection.path(endpoint, id)?);
    let mut query = Query::default();
    query.text("update_mask", update_mask);
    query.put(&mut url);
    // What it sets is the same however often it is sent.
    Ok(Request::new(Method::PATCH, url)
        .with_json_body(json(record)?)
        .with_idempotency(Idempotency::Idempotent))
}

/// Builds a request that deletes a resource.
///
/// # Errors
///
/// Fails on a bad name.
pub fn delete_resource(
    endpoint: &Endpoint,
    collection: Collection,
    id: &str,
) -> Result<Request, Error> {
    let path = collection.path(endpoint, id)?;
    Ok(Request::new(Method::DELETE, endpoint.url(&path)))
}

/// Builds a request for a page of a collection.
///
/// # Errors
///
/// Fails when the page size is not positive.
pub fn list_resources(
    endpoint: &Endpoint,
    collection: Collection,
    list: &ListQuery,
) -> Result<Request, Error> {
    page_of(endpoint.url(collection.name()), list)
}

/// Builds a `triggers.create` request.
///
/// # Errors
///
/// Fails unless schedule, time zone and an interaction with an agent are set.
pub fn create_trigger(endpoint: &Endpoint, params: &TriggerCreateParams) -> Result<Request, Error> {
    require("schedule", params.schedule.as_deref())?;
    require("time_zone", params.time_zone.as_deref())?;
    let Some(interaction) = &params.interaction else {
        return Err(Error::invalid("interaction", "must be set"));
    };
    if interaction.agent.is_none() {
        return Err(Error::invalid("interaction.agent", "must be set"));
    }
    let mut params = Cow::Borrowed(params);
    if let Some(InteractionsInput::Contents(contents)) = &interaction.input {
        let steps = InteractionsInput::Contents(contents.clone()).into_steps();
        let interaction = params.to_mut().interaction.get_or_insert_default();
        interaction.input = Some(steps);
    }
    create_resource(endpoint, Collection::Triggers, &*params)
}

/// Builds a `triggers.run` request.
///
/// # Errors
///
/// Fails on a bad name.
pub fn run_trigger(endpoint: &Endpoint, id: &str) -> Result<Request, Error> {
    Ok(Request::new(Method::POST, executions(endpoint, id)?))
}

/// Builds a `triggers.list_executions` request.
///
/// # Errors
///
/// Fails on a bad name and when the page size is not positive.
pub fn list_trigger_executions(
    endpoint: &Endpoint,
    id: &str,
    list: &ListQuery,
) -> Result<Request, Error> {
    page_of(executions(endpoint, id)?, list)
}

fn executions(endpoint: &Endpoint, id: &str) -> Result<Url, Error> {
    let path = Collection::Triggers.path(endpoint, id)?;
    Ok(endpoint.url(&format!("{path}/executions")))
}

/// Builds a `decisions.create` request.
///
/// # Errors
///
/// Fails unless a model, a matter and at least one question are set.
pub fn create_decision(
    endpoint: &Endpoint,
    request: &CreateDecisionRequest,
) -> Result<Request, Error> {
    require("model", request.model.as_deref())?;
    if request.input.is_none() {
        return Err(Error::invalid("input", "must be set"));
    }
    if request.questions.is_empty() {
        return Err(Error::invalid(
            "questions",
            "must hold at least one question",
        ));
    }
    // Asking twice costs twice but changes nothing, so a lost reply may be asked for again.
    Ok(Request::new(Method::POST, endpoint.url("decisions"))
        .with_json_body(json(request)?)
        .with_idempotency(Idempotency::Idempotent))
}

/// Builds a request for a call on one webhook, such as `ping`.
///
/// # Errors
///
/// Fails on a bad name.
pub(crate) fn webhook_call(endpoint: &Endpoint, id: &str, call: &str) -> Result<Request, Error> {
    let path = Collection::Webhooks.path(endpoint, id)?;
    let url = endpoint.url(&format!("{path}:{call}"));
    Ok(Request::new(Method::POST, url))
}

/// Builds an `environments.files.list` request.
///
/// # Errors
///
/// Fails on a bad name or path and when the page size is not positive.
pub fn list_environment_files(
    endpoint: &Endpoint,
    environment: &str,
    path: &str,
    list: &ListQuery,
) -> Result<Request, Error> {
    let path = file_path(endpoint, environment, path)?;
    page_of(endpoint.url(&path), list)
}

/// Builds an `environments.files.download` request.
///
/// # Errors
///
/// Fails on a bad name or path.
pub fn download_environment_file(
    endpoint: &Endpoint,
    environment: &str,
    path: &str,
) -> Result<Request, Error> {
    require("path", Some(path.trim_start_matches('/')))?;
    let mut url = endpoint.url(&file_path(endpoint, environment, path)?);
    url.set_query(Some("alt=media"));
    Ok(get(url))
}

/// Builds the request that opens the upload of a file into an environment.
///
/// # Errors
///
/// Fails on a bad name or path.
pub fn upload_environment_file(
    endpoint: &Endpoint,
    environment: &str,
    path: &str,
    overwrite: Option<bool>,
    extract: Option<bool>,
) -> Result<Request, Error> {
    require("path", Some(path.trim_start_matches('/')))?;
    let mut url = endpoint.upload(&file_path(endpoint, environment, path)?);
    let mut query = Query::default();
    query.flag("extract", extract);
    query.flag("overwrite", overwrite);
    query.put(&mut url);
    Ok(Request::new(Method::PUT, url))
}

/// `environments/{id}/files/{path}`, in which the path may be empty for the root.
fn file_path(endpoint: &Endpoint, environment: &str, path: &str) -> Result<String, Error> {
    let environment = Collection::Environments
        .path(endpoint, environment)
        .map_err(|error| error.with_field("environment"))?;
    let path = path.trim_start_matches('/');
    let refused = |why: &str| Err(Error::invalid("path", format!("{path:?} {why}")));
    if path.split('/').any(|part| part == "." || part == "..") {
        return refused("must not have `.` or `..` for one of its parts");
    }
    if path.contains("//") || path.contains('\\') || path.chars().any(char::is_control) {
        return refused("must not hold empty parts, backslashes or control characters");
    }
    // Whoever puts an address together leaves a percent sign as it is, because it may be an escape.
    Ok(format!("{environment}/files/{}", path.replace('%', "%25")))
}

fn check_interaction(request: &InteractionRequest) -> Result<(), Error> {
    match request {
        InteractionRequest::Model(request) if request.model.is_none() => {
            Err(Error::invalid("model", "must be set"))
        }
        InteractionRequest::Agent(request) if request.agent.is_none() => {
            Err(Error::invalid("agent", "must be set"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn require(field: &str, value: Option<&str>) -> Result<(), Error> {
    match value.map(str::trim) {
        None => Err(Error::invalid(field, "must be set")),
        Some("") => Err(Error::invalid(field, "must not be empty")),
        Some(_) => Ok(()),
    }
}

fn for_events(request: Request) -> Request {
    request.with_header(ACCEPT, HeaderValue::from_static("text/event-stream"))
}

fn page_of(mut url: Url, list: &ListQuery) -> Result<Request, Error> {
    if list.page_size.is_some_and(|size| size < 1) {
        return Err(Error::invalid("page_size", "must be at least 1"));
    }
    let mut query = Query::default();
    let size = list.page_size.map(|size| size.to_string());
    query.text("page_size", size.as_deref());
    query.text("page_token", list.page_token.as_deref());
    for (name, value) in &list.parameters {
        query.text(name, Some(value));
    }
    query.put(&mut url);
    Ok(get(url))
}

/// Parameters of a query; without any, the address has none.
#[derive(Default)]
struct Query<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Query<'a> {
    fn text(&mut self, name: &'a str, value: Option<&'a str>) {
        self.0.extend(value.map(|value| (name, value.into())));
    }

    fn flag(&mut self, name: &'a str, value: Option<bool>) {
        self.0
            .extend(value.map(|value| (name, value.to_string().into())));
    }

    fn put(self, url: &mut Url) {
        if !self.0.is_empty() {
            url.query_pairs_mut().extend_pairs(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::interactions::{
        Content, CreateAgentInteraction, CreateModelInteraction,
    };
    use serde_json::{Value, json};

    use super::*;

    fn developer() -> Endpoint {
        Endpoint::gemini_api().build().unwrap()
    }

    fn place(request: &Request) -> String {
        let url = request.url();
        let query = url.query().map(|query| format!("?{query}"));
        format!(
            "{} {}{}",
            request.method(),
            url.path(),
            query.unwrap_or_default()
        )
    }

    fn body(request: &Request) -> Value {
        serde_json::from_slice(request.body()).unwrap_or_default()
    }

    #[test]
    fn an_interaction_is_posted_as_it_is() {
        let asked = CreateModelInteraction::new()
            .set_model("gemini-2.5-flash")
            .set_store(false)
            .set_input("hello");
        let request = create_interaction(&developer(), &asked.clone().into(), false).unwrap();
        assert_eq!(place(&request), "POST /v1/interactions");
        assert_eq!(
            body(&request),
            json!({"model": "gemini-2.5-flash", "input": "hello", "store": false})
        );
        assert_eq!(request.idempotency(), Idempotency::Idempotent);
        assert_eq!(request.headers().get(ACCEPT), None);

        let request = create_interaction(&developer(), &asked.clone().into(), true).unwrap();
        assert_eq!(body(&request)["stream"], true);
        assert_eq!(request.headers()[ACCEPT], "text/event-stream");

        let vertex = Endpoint::vertex()
            .with_project("p")
            .with_location("l")
            .build()
            .unwrap();
        let request = create_interaction(&vertex, &asked.into(), false).unwrap();
        assert_eq!(
            place(&request),
            "POST /v1beta1/projects/p/locations/l/interactions"
        );
    }

    #[test]
    fn content_becomes_a_step_and_long_work_is_not_begun_twice() {
        let asked = CreateAgentInteraction::new()
            .set_agent("a")
            .set_stream(true)
            .set_input(vec![Content::from("x")]);
        let request = create_interaction(&developer(), &asked.into(), false).unwrap();
        assert_eq!(
            body(&request),
            json!({"agent": "a", "input": [
                {"type": "user_input", "content": [{"type": "text", "text": "x"}]}]})
        );
        assert_eq!(request.idempotency(), Idempotency::NotIdempotent);
    }

    #[test]
    fn a_stream_is_resumed_after_an_event() {
        let request = watch_interaction(&developer(), "abc", Some(true), Some("e 1")).unwrap();
        assert_eq!(
            place(&request),
            "GET /v1/interactions/abc?include_input=true&last_event_id=e+1&stream=true"
        );
        let request = get_interaction(&developer(), "interactions/abc", None).unwrap();
        assert_eq!(place(&request), "GET /v1/interactions/abc?stream=false");
        let request = cancel_interaction(&developer(), "abc").unwrap();
        assert_eq!(place(&request), "POST /v1/interactions/abc/cancel");
    }

    #[test]
    fn lists_have_pages_and_filters() {
        let mut list = ListQuery::default();
        let request = list_resources(&developer(), Collection::Voices, &list).unwrap();
        assert_eq!(place(&request), "GET /v1/voices");
        list.page_size = Some(2);
        list.page_token = Some("t".to_owned());
        for kind in ["prebuilt", "prompted"] {
            list.parameters.push(("type".to_owned(), kind.to_owned()));
        }
        let request = list_resources(&developer(), Collection::Voices, &list).unwrap();
        assert_eq!(
            place(&request),
            "GET /v1/voices?page_size=2&page_token=t&type=prebuilt&type=prompted"
        );
        list.page_size = Some(0);
        let error = list_resources(&developer(), Collection::Voices, &list).unwrap_err();
        assert_eq!(error.to_string(), "invalid `page_size`: must be at least 1");
    }

    #[test]
    fn files_of_environments_keep_their_paths() {
        let endpoint = developer();
        let list = ListQuery::default();
        for (path, expected) in [
            ("a/b c.txt", "GET /v1/environments/e/files/a/b%20c.txt"),
            ("/a%20b?c#d", "GET /v1/environments/e/files/a%2520b%3Fc%23d"),
            ("", "GET /v1/environments/e/files/"),
        ] {
            let request = list_environment_files(&endpoint, "e", path, &list).unwrap();
            assert_eq!(place(&request), expected);
        }
        for bad in ["../x", "a/./b", "a//b", "a\\b", "a\nb"] {
            let error = list_environment_files(&endpoint, "e", bad, &list).unwrap_err();
            assert_eq!(error.field(), Some("path"), "{bad}");
        }
        let error = download_environment_file(&endpoint, "e", "/").unwrap_err();
        assert_eq!(error.to_string(), "invalid `path`: must not be empty");
        let error = download_environment_file(&endpoint, "a:b", "x").unwrap_err();
        assert_eq!(error.field(), Some("environment"));
        let request = upload_environment_file(&endpoint, "e", "x", Some(true), None).unwrap();
        assert_eq!(
            place(&request),
            "PUT /upload/v1/environments/e/files/x?overwrite=true"
        );
    }

    #[test]
    fn what_must_be_set_is_named() {
        let endpoint = developer();
        let message = |result: Result<Request, Error>| result.unwrap_err().to_string();
        let nobody = CreateModelInteraction::new();
        assert_eq!(
            message(create_interaction(&endpoint, &nobody.into(), false)),
            "invalid `model`: must be set"
        );
        let nobody = CreateAgentInteraction::new();
        assert_eq!(
            message(create_interaction(&endpoint, &nobody.into(), false)),
            "invalid `agent`: must be set"
        );
        let trigger = TriggerCreateParams::new().set_schedule("0 9 * * 1");
        assert_eq!(
            message(create_trigger(&endpoint, &trigger)),
            "invalid `time_zone`: must be set"
        );
        let trigger = trigger
            .set_time_zone("UTC")
            .set_interaction(CreateAgentInteraction::new());
        assert_eq!(
            message(create_trigger(&endpoint, &trigger)),
            "invalid `interaction.agent`: must be set"
        );
        let decision = CreateDecisionRequest::new().set_model(" ");
        assert_eq!(
            message(create_decision(&endpoint, &decision)),
            "invalid `model`: must not be empty"
        );
        let decision = decision.set_model("m").set_input("x".to_owned());
        assert_eq!(
            message(create_decision(&endpoint, &decision)),
            "invalid `questions`: must hold at least one question"
        );
    }
}
