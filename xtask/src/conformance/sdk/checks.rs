//! What cases of any package say of an outcome: that two things are equal, that a call was refused.

use std::fmt::Debug;

use anyhow::{Context as _, bail, ensure};
use gimmal_client::{Error, ErrorKind};
use gimmal_emulator::RecordedRequest;

/// A header of a request, empty when it had none.
pub(super) fn header(request: &RecordedRequest, name: &str) -> String {
    let value = request.headers().get(name);
    let bytes = value.map(|value| value.as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fails unless both are equal, and says what they are.
pub(super) fn same<T: PartialEq<U> + Debug, U: Debug>(
    actual: T,
    expected: U,
) -> anyhow::Result<()> {
    ensure!(actual == expected, "{actual:?} is not {expected:?}");
    Ok(())
}

/// Fails unless the part is in the whole, and says what they are.
pub(super) fn among(part: &str, whole: impl AsRef<str>) -> anyhow::Result<()> {
    let whole = whole.as_ref();
    ensure!(whole.contains(part), "{part:?} is not in {whole:?}");
    Ok(())
}

/// The error that a call must come to.
pub(super) fn failed<T>(outcome: Result<T, Error>) -> anyhow::Result<Error> {
    match outcome {
        Ok(_) => bail!("nothing was refused"),
        Err(error) => Ok(error),
    }
}

/// The refusal of a call, which must have this status and this text in it.
pub(super) fn refused<T>(
    outcome: Result<T, Error>,
    code: u16,
    text: &str,
) -> anyhow::Result<Error> {
    let error = failed(outcome)?;
    let status = error.status().map(|status| status.as_u16());
    // An error inside of a stream came with a status of its own.
    let inside = error.rpc_status().and_then(|status| status.code);
    ensure!(
        status == Some(code) || inside == Some(i32::from(code)),
        "{code} was expected: {error}"
    );
    let payload = error.payload().map(|bytes| String::from_utf8_lossy(bytes));
    among(text, format!("{error} {}", payload.unwrap_or_default()))?;
    Ok(error)
}

/// The refusal of a call that was never sent, which must name this field.
pub(super) fn never_sent<T>(outcome: Result<T, Error>, field: &str) -> anyhow::Result<()> {
    let error = failed(outcome)?;
    same(error.kind(), ErrorKind::Invalid)?;
    among(field, error.field().unwrap_or_default())
}

/// A member that a reply must have.
pub(super) fn given<T>(member: Option<T>) -> anyhow::Result<T> {
    member.context("a member of the reply is missing")
}
