//! What an error means to a user of the Tinker API: its class, whose fault it is, which request it
//! was, and what to do. Errors themselves are those of the transport.

use gimmal_transport::{Delivery, Error, ErrorKind, Persistence};
use gimmal_types::rpc::Status;
use gimmal_types::tinker::{RequestErrorCategory, RequestFailedResponse};

const CATEGORY: &str = "category";
const REQUEST_ID: &str = "request_id";

/// Classes of errors, named as in the official SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Something else went wrong, before anything was sent.
    TinkerError,
    /// The reply does not fit the type it should have.
    APIResponseValidationError,
    /// A status without a class of its own.
    APIStatusError,
    /// 400.
    BadRequestError,
    /// 401.
    AuthenticationError,
    /// 402: the bill is not paid.
    BillingError,
    /// 403.
    PermissionDeniedError,
    /// 404.
    NotFoundError,
    /// 409.
    ConflictError,
    /// 422.
    UnprocessableEntityError,
    /// 429.
    RateLimitError,
    /// 500 and above.
    InternalServerError,
    /// No connection, or a broken one.
    APIConnectionError,
    /// A time limit passed.
    APITimeoutError,
    /// The server took the request, and it failed there.
    RequestFailedError,
}

/// The class of an error. That of work which was given up because something else failed is the
/// class of what failed.
///
/// ```
/// use gimmal_api::tinker::{ErrorClass, classify};
/// use gimmal_transport::Error;
/// use http::{HeaderMap, StatusCode};
///
/// let error = Error::from_response(StatusCode::PAYMENT_REQUIRED, HeaderMap::new(), "".into());
/// assert_eq!(classify(&error), ErrorClass::BillingError);
/// ```
pub fn classify(error: &Error) -> ErrorClass {
    let error = told(error);
    let status = error.status().map(|status| status.as_u16());
    match (error.kind(), status) {
        (ErrorKind::OperationFailed, _) => ErrorClass::RequestFailedError,
        (ErrorKind::Decode | ErrorKind::ResponseTooLarge, _) => {
            ErrorClass::APIResponseValidationError
        }
        (ErrorKind::Timeout, _) => ErrorClass::APITimeoutError,
        (_, Some(status)) => of_status(status),
        (ErrorKind::Connect | ErrorKind::Io | ErrorKind::StreamInterrupted, None) => {
            ErrorClass::APIConnectionError
        }
        (ErrorKind::Authentication, None) => ErrorClass::AuthenticationError,
        _ => ErrorClass::TinkerError,
    }
}

/// The error that explains this one: of work that was given up, the one for which it was.
fn told(error: &Error) -> &Error {
    let mut told = error;
    while told.kind() == ErrorKind::Cancelled
        && let Some(source) = std::error::Error::source(told)
        && let Some(cause) = source.downcast_ref::<Error>()
    {
        told = cause;
    }
    told
}

fn of_status(status: u16) -> ErrorClass {
    match status {
        400 => ErrorClass::BadRequestError,
        401 => ErrorClass::AuthenticationError,
        402 => ErrorClass::BillingError,
        403 => ErrorClass::PermissionDeniedError,
        404 => ErrorClass::NotFoundError,
        409 => ErrorClass::ConflictError,
        422 => ErrorClass::UnprocessableEntityError,
        429 => ErrorClass::RateLimitError,
        500.. => ErrorClass::InternalServerError,
        _ => ErrorClass::APIStatusError,
    }
}

/// The error of a request that the server took and that failed there.
pub fn request_failed(reply: &RequestFailedResponse, request_id: &str) -> Error {
    let mut status = Status::default();
    status.message = Some(reply.error.clone());
    Error::operation_failed(status)
        .with_delivery(Delivery::Answered)
        .with_persistence(Persistence::Permanent)
        .with_context(CATEGORY, reply.category.name())
        .with_context(REQUEST_ID, request_id)
}

/// Whose fault an error is.
pub fn category(error: &Error) -> RequestErrorCategory {
    let error = told(error);
    if let Some((_, category)) = error.context().find(|(key, _)| *key == CATEGORY) {
        return category.into();
    }
    match error.status().map(|status| status.as_u16()) {
        Some(408 | 429 | 500..) => RequestErrorCategory::Server,
        Some(400..) => RequestErrorCategory::User,
        _ if error.delivery() == Delivery::NotSent && error.field().is_some() => {
            RequestErrorCategory::User
        }
        _ => RequestErrorCategory::Undetermined,
    }
}

/// True when it is the caller's fault: a request that failed for that reason, or a status from 400
/// to 499 other than 408, 410 and 429; here, or in what caused the error.
pub fn is_user_error(error: &Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = next {
        if let Some(error) = current.downcast_ref::<Error>() {
            let failed = category(error) == RequestErrorCategory::User
                && error.kind() == ErrorKind::OperationFailed;
            let refused = error.status().is_some_and(|status| {
                status.is_client_error() && !matches!(status.as_u16(), 408 | 410 | 429)
            });
            if failed || refused {
                return true;
            }
        }
        next = current.source();
    }
    false
}

/// The request that failed, as the server named it.
pub fn failed_request_id(error: &Error) -> Option<&str> {
    let error = told(error);
    let own = error.context().find(|(key, _)| *key == REQUEST_ID);
    own.map(|(_, id)| id).or_else(|| error.request_id())
}

/// An error in one line that begins with its type, and its status where it has one.
///
/// ```
/// use gimmal_api::tinker::summary;
/// use gimmal_transport::Error;
/// use http::{HeaderMap, StatusCode};
///
/// let body = r#"{"message": "Rate limited"}"#.into();
/// let error = Error::from_response(StatusCode::TOO_MANY_REQUESTS, HeaderMap::new(), body);
/// assert_eq!(summary(&error), "[api_status (429)] Rate limited");
/// ```
///
/// The types are `api_connection`, `api_timeout`, `api_status`, `request_failed` and `validation`.
pub fn summary(error: &Error) -> String {
    let error = told(error);
    let kind = match classify(error) {
        ErrorClass::RequestFailedError => "request_failed",
        ErrorClass::APIConnectionError => "api_connection",
        ErrorClass::APITimeoutError => "api_timeout",
        ErrorClass::TinkerError | ErrorClass::APIResponseValidationError => "validation",
        _ => "api_status",
    };
    let said = error.rpc_status().and_then(|status| status.message.clone());
    let message = said.unwrap_or_else(|| error.to_string());
    match error.status() {
        Some(status) => format!("[{kind} ({})] {message}", status.as_u16()),
        None => format!("[{kind}] {message}"),
    }
}

/// What to do about an error.
pub fn advice(error: &Error) -> &'static str {
    match classify(error) {
        ErrorClass::TinkerError => "correct the setting or argument that the message names",
        ErrorClass::APIResponseValidationError => {
            "check that the address is that of a Tinker server of a version that fits"
        }
        ErrorClass::BadRequestError | ErrorClass::UnprocessableEntityError => {
            "correct the request: the message says what the server cannot take"
        }
        ErrorClass::AuthenticationError => {
            "check TINKER_API_KEY: it must be a valid key or a token that has not expired"
        }
        ErrorClass::BillingError => "settle the bill of the organisation, then try again",
        ErrorClass::PermissionDeniedError => {
            "use a key that may see this, or ask its owner for access"
        }
        ErrorClass::NotFoundError => {
            "check the identifier or path: it does not exist, was deleted, or is not visible"
        }
        ErrorClass::ConflictError => {
            "nothing to repeat: it is already so; choose another name or allow overwriting"
        }
        ErrorClass::RateLimitError => "send fewer requests at a time, or wait",
        ErrorClass::InternalServerError => "try again later; the server is at fault",
        ErrorClass::APIConnectionError => "check the address and the network, then try again",
        ErrorClass::APITimeoutError => "try again, or allow more time",
        ErrorClass::APIStatusError => match told(error).status().map(|status| status.as_u16()) {
            Some(410) => "it has ended or expired: begin it again",
            _ => "see what the server says in the message",
        },
        ErrorClass::RequestFailedError => match category(error) {
            RequestErrorCategory::User => "correct the request: the message says what is wrong",
            _ => "try again; go on from the last checkpoint if the run is lost",
        },
    }
}
