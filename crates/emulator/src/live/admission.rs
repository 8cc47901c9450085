//! Who may hold a session: an API key or a bearer, as for every call, or an ephemeral token where the
//! method takes one. Whether the token is good is found out when the session begins.

use http::request::Parts;

use crate::{
    app::{App, parse_query},
    gemini::{auth::Caller, errors::ApiError},
    route::Target,
};

/// Who asks for a session, found fit to.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    /// The ephemeral token in the place of a key.
    pub(super) token: Option<String>,
}

impl Admitted {
    pub(super) fn check(app: &App, parts: &Parts, target: &Target) -> Result<Self, ApiError> {
        let query = parse_query(parts.uri.query().unwrap_or_default());
        let caller = Caller::read(&parts.headers, &query);
        if target.resource != "BidiGenerateContentConstrained" {
            app.gemini.auth.check(&caller, target)?;
            let token = None;
            return Ok(Self { caller, token });
        }
        let header = parts.headers.get(http::header::AUTHORIZATION);
        let header = header.and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Token "));
        let mut query = query.iter();
        let in_query = query.find(|(name, _)| name == "access_token");
        let token = token.or(in_query.map(|(_, value)| value.as_str()));
        match token {
            Some(token) => Ok(Self {
                caller,
                token: Some(token.to_owned()),
            }),
            None => Err(ApiError::permission_denied(
                "Method doesn't allow unregistered callers (callers without established \
                 identity). Please use API Key or other form of API consumer identity to call \
                 this API.",
            )),
        }
    }
}
