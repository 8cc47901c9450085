//! Names put into addresses: whatever a name holds, the request goes to the server and the
//! collection that it is meant for, or is refused with the field that is wrong.

use arbitrary::{Arbitrary, Unstructured};
use gimmal_api::gemini::{
    Endpoint, ListCaches, ListModels, cached_content_name, model_path, requests,
};
use gimmal_transport::{Error, Origin, Request};
use gimmal_types::gemini::{CountTokensRequest, GenerateContentRequest};
use url::Url;

const BASES: [&str; 4] = [
    "https://host.example/",
    "https://host.example/proxy",
    "http://127.0.0.1:8080/a%20b/",
    "http://[::1]:9/x/y/",
];
const VERSIONS: [&str; 3] = ["v1", "v1beta", ""];

/// Runs the target: a byte of settings, then lines: name, project, location, the rest of an
/// address.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(settings) = u8::arbitrary(&mut input) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(input.take_rest()) else {
        return;
    };
    origin(text);
    let mut lines = text.splitn(4, '\n');
    let name = lines.next().unwrap_or_default();
    let Ok(endpoint) = endpoint(settings, lines.next(), lines.next()) else {
        return;
    };
    assert_requests(&endpoint, BASES[usize::from(settings) % 4], name);
}

fn endpoint(
    settings: u8,
    project: Option<&str>,
    location: Option<&str>,
) -> Result<Endpoint, Error> {
    let vertex = settings & 0x80 != 0;
    let mut builder = if vertex {
        Endpoint::vertex()
    } else {
        Endpoint::gemini_api()
    }
    .with_base_url(BASES[usize::from(settings) % 4])
    .with_api_version(VERSIONS[usize::from(settings / 4) % 3]);
    if let Some(project) = project.filter(|_| vertex) {
        builder = builder.with_project(project);
    }
    if let Some(location) = location.filter(|_| vertex) {
        builder = builder.with_location(location);
    }
    let built = builder.build();
    if let Err(error) = &built {
        assert!(
            matches!(error.field(), Some("project" | "location")),
            "{error}"
        );
    }
    built
}

fn assert_requests(endpoint: &Endpoint, base: &str, name: &str) {
    let base = Url::parse(base).expect("the table holds addresses");
    let goes_to =
        |request: &Result<Request, Error>, field: &str, path: &str, query: Option<&str>| {
            match request {
                Ok(request) => assert_address(request.url(), &base, path, query),
                Err(error) => assert_eq!(error.field(), Some(field)),
            }
        };
    let model = model_path(endpoint.backend(), name);
    let path = model.as_deref().unwrap_or_default();
    let generate = GenerateContentRequest::default();
    goes_to(
        &requests::generate_content(endpoint, name, &generate),
        "model",
        &format!("{path}:generateContent"),
        None,
    );
    goes_to(
        &requests::stream_generate_content(endpoint, name, &generate),
        "model",
        &format!("{path}:streamGenerateContent"),
        Some("alt=sse"),
    );
    goes_to(
        &requests::count_tokens(endpoint, name, &CountTokensRequest::default()),
        "model",
        &format!("{path}:countTokens"),
        None,
    );
    let get = requests::get_model(endpoint, name);
    assert_eq!(get.is_ok(), model.is_ok());
    goes_to(&get, "model", path, None);

    let cache = cached_content_name(endpoint, name);
    let path = cache.as_deref().unwrap_or_default();
    goes_to(
        &requests::get_cache(endpoint, name),
        "cached_content",
        path,
        None,
    );
    goes_to(
        &requests::delete_cache(endpoint, name),
        "cached_content",
        path,
        None,
    );

    let mut models = ListModels::default();
    models.filter = Some(name.to_owned());
    models.page_token = Some(name.to_owned());
    assert_query(requests::list_models(endpoint, &models), "filter", name);
    let mut caches = ListCaches::default();
    caches.page_token = Some(name.to_owned());
    assert_query(requests::list_caches(endpoint, &caches), "pageToken", name);
}

/// The address is on the server of `base`, below its path, and its end is `path` to the letter.
fn assert_address(url: &Url, base: &Url, path: &str, query: Option<&str>) {
    assert_eq!(url.origin(), base.origin());
    assert_eq!((url.username(), url.password()), ("", None));
    assert_eq!((url.query(), url.fragment()), (query, None));
    assert!(url.path().starts_with(base.path().trim_end_matches('/')));
    let shown = decoded(url.path());
    assert!(
        shown.ends_with(&format!("/{path}")),
        "{path:?} became {shown:?}"
    );
    assert_eq!(
        decoded(Url::parse(url.as_str()).expect("it is an address").path()),
        shown
    );
}

fn assert_query(request: Result<Request, Error>, key: &str, value: &str) {
    let request = request.expect("queries take any text");
    let mut pairs = request.url().query_pairs();
    assert!(pairs.any(|(name, text)| name == key && text == value));
}

/// The text behind the percent signs.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit(), digit());
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                u8::try_from(value.expect("two digits follow")).expect("two digits are a byte")
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("it was made from text")
}

/// Reading an origin twice changes nothing, and no part of a secret is kept.
fn origin(text: &str) {
    if let Ok(origin) = Origin::parse(text) {
        let again = Origin::parse(origin.as_str()).expect("an origin is an address");
        assert_eq!(again, origin);
        assert!(!origin.as_str().contains(['@', '?', '#']), "{origin}");
        assert_eq!(origin.as_str().matches('/').count(), 2, "{origin}");
    }
}
