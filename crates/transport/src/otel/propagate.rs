//! Headers that tell a server which trace a request is part of.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Injector, TextMapPropagator};

/// Adds the headers of `propagator`, unless the request has any of them already: a trace id of
/// one origin next to the state of another would be worse than neither.
pub(super) fn inject(
    propagator: &dyn TextMapPropagator,
    context: &Context,
    headers: &mut HeaderMap,
) {
    if !propagator.fields().any(|name| headers.contains_key(name)) {
        propagator.inject_context(context, &mut Headers(headers));
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    /// What cannot be a header is left out.
    fn set(&mut self, name: &str, value: String) {
        let name = HeaderName::try_from(name);
        let value = HeaderValue::try_from(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            self.0.insert(name, value);
        }
    }
}
