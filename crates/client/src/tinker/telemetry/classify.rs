//! What an error is to the service: the user's own, or one that nobody expected.

use std::error::Error as StdError;

use gimmal_api::tinker::category;
use gimmal_transport::{Error, ErrorKind};
use gimmal_types::tinker::RequestErrorCategory;
use serde_json::Value;

/// Causes looked at; a chain that goes on for ever is cut.
const DEEPEST: usize = 32;

/// An error as telemetry tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorReport {
    /// What kind of error it is.
    pub error_type: String,
    /// Its message.
    pub message: String,
    /// The causes, one a line.
    pub chain: Option<String>,
    /// What the user did wrong, if it was the user.
    pub user_error: Option<UserError>,
}

/// The answer that blames the user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserError {
    /// The status of the answer.
    pub status: Option<u16>,
    /// Its body, if it is JSON.
    pub body: Option<Value>,
}

impl ErrorReport {
    /// Describes an error of any kind.
    ///
    /// It is the user's if a request that failed with the category `user`, or an answer with a status
    /// of 400 to 499 other than 408, 410 and 429, is anywhere in its chain of causes.
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes = || std::iter::successors(Some(error), |&cause| cause.source()).take(DEEPEST);
        let own = error.downcast_ref::<Error>();
        let chain: Vec<String> = causes().skip(1).map(ToString::to_string).collect();
        Self {
            error_type: own.map_or_else(|| "error".into(), |own| own.kind().as_str().into()),
            message: error.to_string(),
            chain: (!chain.is_empty()).then(|| chain.join("\n")),
            user_error: causes().find_map(user_error),
        }
    }

    /// Describes a panic.
    pub fn of_panic(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self {
            error_type: "panic".into(),
            message: text.unwrap_or("a value that is no text").into(),
            chain: None,
            user_error: None,
        }
    }
}

fn user_error(cause: &(dyn StdError + 'static)) -> Option<UserError> {
    let error = cause.downcast_ref::<Error>()?;
    if error.kind() == ErrorKind::OperationFailed {
        return (category(error) == RequestErrorCategory::User).then(UserError::default);
    }
    let status = error.status()?;
    let later = matches!(status.as_u16(), 408 | 410 | 429);
    let body = error
        .payload()
        .and_then(|body| serde_json::from_slice(body).ok());
    (status.is_client_error() && !later).then(|| UserError {
        status: Some(status.as_u16()),
        body,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gimmal_api::tinker::request_failed;
    use gimmal_types::tinker::RequestFailedResponse;
    use http::{HeaderMap, StatusCode};
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    fn answer(status: u16) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        Error::from_response(status, HeaderMap::new(), Bytes::from_static(b"{\"a\": 1}"))
    }

    /// Covers: CHK-EXC-1
    #[test_case(400, true)]
    #[test_case(404, true)]
    #[test_case(408, false)]
    #[test_case(410, false)]
    #[test_case(429, false)]
    #[test_case(399, false)]
    #[test_case(500, false)]
    fn chk_exc_1_by_status(status: u16, of_user: bool) {
        let report = ErrorReport::of(&answer(status));
        assert_eq!(report.user_error.is_some(), of_user);
    }

    /// Covers: CHK-EXC-1
    #[test]
    fn chk_exc_1_the_inner_one_counts() {
        let inner = Error::cancelled("two").with_source(answer(403));
        let outer = Error::cancelled("one").with_source(inner);
        let report = ErrorReport::of(&outer);
        let expected = UserError {
            status: Some(403),
            body: Some(json!({"a": 1})),
        };
        assert_eq!(report.user_error, Some(expected));
        assert_eq!(report.message, outer.to_string());

        for (category, of_user) in [("user", true), ("server", false)] {
            let reply = RequestFailedResponse::new()
                .set_error("bad")
                .set_category(category);
            let report = ErrorReport::of(&request_failed(&reply, "r"));
            assert_eq!(report.user_error.is_some(), of_user);
        }
    }

    /// Covers: CHK-EXC-1
    #[test]
    fn chk_exc_1_a_chain_without_end_is_cut() {
        #[derive(Debug)]
        struct Ouroboros;
        impl std::fmt::Display for Ouroboros {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("again")
            }
        }
        impl StdError for Ouroboros {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&Self)
            }
        }
        let report = ErrorReport::of(&Ouroboros);
        assert_eq!(report.chain.unwrap().lines().count(), DEEPEST - 1);
        assert_eq!(report.user_error, None);
    }
}
