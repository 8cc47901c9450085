//! What the service says of a schema it does not follow. Which schemas those are is found out where
//! values are generated.

use crate::{
    engine::schema::Excess,
    gemini::{errors::ApiError, keys::to_snake},
};

/// The language a schema is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The service's own message, a subset of OpenAPI.
    #[default]
    Own,
    JsonSchema,
}

/// The refusal of a schema, given in the field `at` of `message`, that demands too much.
pub(crate) fn too_demanding(
    message: &str,
    at: &str,
    dialect: Dialect,
    excess: &Excess,
) -> ApiError {
    let member = excess.member.write(at, |name| match dialect {
        Dialect::Own => to_snake(name),
        Dialect::JsonSchema => name.to_owned(),
    });
    ApiError::invalid_argument(format!("* {message}.{member}: {excess}\n"))
}
