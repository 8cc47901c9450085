//! The reference's `HttpOptions` and client arguments, applied to a client of ours.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_client::gemini::{GeminiClient, GeminiClientBuilder};
use gimmal_client::transport::testing::ScriptedTransport;
use gimmal_client::transport::{
    ExponentialBackoff, NeverRetry, RetryDecision, RetryPolicy, RetryState, StopReason,
};
use gimmal_client::{CallOptions, Error, Timeout};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire::arguments;
use crate::wire::failure::Failure;

/// How requests are sent: the client's options under those of the call.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
struct HttpOptions {
    #[serde(alias = "baseUrl")]
    base_url: Option<String>,
    #[serde(alias = "baseUrlResourceScope")]
    base_url_resource_scope: Option<String>,
    #[serde(alias = "apiVersion")]
    api_version: Option<String>,
    #[serde(default)]
    headers: Map<String, Value>,
    timeout: Option<u64>,
    #[serde(alias = "extraBody")]
    extra_body: Option<Value>,
    #[serde(alias = "retryOptions")]
    retry_options: Option<RetryOptions>,
}

/// The reference's retries: off unless this is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryOptions {
    attempts: Option<u32>,
    #[serde(alias = "initialDelay")]
    initial_delay: Option<f64>,
    #[serde(alias = "maxDelay")]
    max_delay: Option<f64>,
    #[serde(alias = "expBase")]
    exp_base: Option<f64>,
    jitter: Option<f64>,
    #[serde(default, alias = "httpStatusCodes")]
    http_status_codes: Vec<u16>,
}

/// What the reference's client is given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientArguments {
    #[serde(alias = "apiKey")]
    api_key: Option<String>,
    project: Option<String>,
    location: Option<String>,
    #[serde(alias = "httpOptions")]
    http_options: Option<Value>,
    /// What a test of the reference put in the place of its internals.
    patched: Option<Value>,
    /// True for Vertex; the record's backend says the same.
    #[serde(rename = "vertexai")]
    _vertexai: Option<bool>,
}

/// A client as the record describes it, on a scripted transport.
pub(crate) fn client(
    backend: &str,
    client: Map<String, Value>,
    call: Option<Value>,
    http: &ScriptedTransport,
) -> Result<GeminiClient, Failure> {
    let given: ClientArguments = arguments::decode("client", client.into())?;
    if given.patched.is_some() {
        return Err(Failure::unimplemented("a client with replaced internals"));
    }
    let own: HttpOptions = match given.http_options {
        None | Some(Value::Null) => HttpOptions::default(),
        Some(options) => arguments::decode("client.http_options", options)?,
    };
    let call: HttpOptions = match call {
        None | Some(Value::Null) => HttpOptions::default(),
        Some(options) => arguments::decode("config.httpOptions", options)?,
    };
    let builder = GeminiClient::builder().with_http(std::sync::Arc::new(http.clone()));
    let key = given.api_key;
    let location = given.location.unwrap_or_else(|| "us-central1".to_owned());
    let builder = match backend {
        "mldev" => builder.with_api_key(key.unwrap_or_else(|| "test-api-key".to_owned())),
        "vertex" => builder
            .with_vertex(
                given.project.unwrap_or_else(|| "test-project".to_owned()),
                location,
            )
            .with_bearer_token("test-access-token"),
        "vertex_express" => builder
            .with_vertex_express()
            .with_api_key(key.unwrap_or_else(|| "test-api-key".to_owned())),
        _ => {
            return Err(Failure::refused(
                "backend",
                "must be mldev, vertex or vertex_express",
            ));
        }
    };
    Ok(call.over(own).apply(builder)?.build()?)
}

impl HttpOptions {
    /// Headers are merged key by key; of everything else, what is set here wins.
    fn over(self, outer: Self) -> Self {
        let mut headers = outer.headers;
        for (name, value) in self.headers {
            headers.retain(|have, _| !have.eq_ignore_ascii_case(&name));
            headers.insert(name, value);
        }
        Self {
            headers,
            base_url: self.base_url.or(outer.base_url),
            base_url_resource_scope: self
                .base_url_resource_scope
                .or(outer.base_url_resource_scope),
            api_version: self.api_version.or(outer.api_version),
            timeout: self.timeout.or(outer.timeout),
            extra_body: self.extra_body.or(outer.extra_body),
            retry_options: self.retry_options.or(outer.retry_options),
        }
    }

    fn apply(self, mut builder: GeminiClientBuilder) -> Result<GeminiClientBuilder, Failure> {
        if self.base_url_resource_scope.is_some() {
            return Err(Failure::unimplemented("base_url_resource_scope"));
        }
        if self.extra_body.is_some() {
            return Err(Failure::unimplemented("extra_body"));
        }
        if let Some(base) = self.base_url {
            builder = builder.with_base_url(base);
        }
        if let Some(version) = self.api_version {
            builder = builder.with_api_version(version);
        }
        let mut options = CallOptions::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name
                .parse()
                .map_err(|_| Failure::refused("http_options.headers", "holds a bad name"))?;
            let value = value
                .as_str()
                .and_then(|text| HeaderValue::from_str(text).ok());
            let value = value
                .ok_or_else(|| Failure::refused("http_options.headers", "holds a bad value"))?;
            options = options.with_header(name, value);
        }
        if let Some(timeout) = self.timeout.filter(|timeout| *timeout > 0) {
            // The reference tells the server as well, in whole seconds, unless told otherwise.
            let told = HeaderName::from_static("x-server-timeout");
            if !options.headers().contains_key(&told) {
                options = options.with_header(told, HeaderValue::from(timeout.div_ceil(1000)));
            }
            let timeout = Duration::from_millis(timeout);
            options = options.with_attempt_timeout(Timeout::After(timeout));
        }
        builder = builder.with_options(options);
        Ok(match self.retry_options {
            None => builder.with_retry_policy(NeverRetry),
            Some(retry) => retry.apply(builder)?,
        })
    }
}

impl RetryOptions {
    fn apply(self, builder: GeminiClientBuilder) -> Result<GeminiClientBuilder, Failure> {
        let seconds = |field: &str, value: f64| {
            Duration::try_from_secs_f64(value).map_err(|error| {
                Failure::refused(format!("retry_options.{field}"), error.to_string())
            })
        };
        let mut backoff = ExponentialBackoff::google_genai();
        if let Some(initial) = self.initial_delay {
            backoff = backoff.with_initial(seconds("initial_delay", initial)?);
        }
        if let Some(max) = self.max_delay {
            backoff = backoff.with_max(seconds("max_delay", max)?);
        }
        if let Some(factor) = self.exp_base {
            backoff = backoff.with_factor(factor)?;
        }
        if let Some(jitter) = self.jitter {
            backoff = backoff.with_added_jitter(seconds("jitter", jitter)?);
        }
        let attempts = NonZeroU32::new(self.attempts.unwrap_or(5)).unwrap_or(NonZeroU32::MIN);
        let policy = Listed {
            attempts,
            statuses: if self.http_status_codes.is_empty() {
                RETRIED.to_vec()
            } else {
                self.http_status_codes
            },
        };
        Ok(builder.with_retry_policy(policy).with_backoff(backoff))
    }
}

/// The statuses that the reference tries again unless told otherwise.
const RETRIED: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// The reference's policy: a number of attempts, a list of statuses, and lost connections.
#[derive(Debug)]
struct Listed {
    attempts: NonZeroU32,
    statuses: Vec<u16>,
}

impl RetryPolicy for Listed {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        if state.attempts >= self.attempts.get() {
            return RetryDecision::Stop(StopReason::AttemptsUsedUp);
        }
        let listed = match error.status() {
            Some(status) => self.statuses.contains(&status.as_u16()),
            None => error.is_connect() || error.is_timeout(),
        };
        if listed {
            RetryDecision::Retry
        } else {
            RetryDecision::Stop(StopReason::Permanent)
        }
    }
}
