//! Names of batch jobs: what users may write and what goes into a path.

use gimmal_transport::Error;

use crate::gemini::Backend;
use crate::gemini::names::check;

/// The last part of the name of a batch job, which is what its path ends in.
///
/// The developer API knows `batches/x`; Vertex knows
/// `projects/…/locations/…/batchPredictionJobs/x` and plain numbers.
///
/// # Errors
///
/// Fails on any other name, since a job of one service is unknown to the other.
pub fn batch_job_id(backend: Backend, name: &str) -> Result<String, Error> {
    check("name", name)?;
    let parts: Vec<&str> = name.split('/').collect();
    let (id, form) = match (backend, parts.as_slice()) {
        (Backend::GeminiApi, ["batches", id]) => (Some(*id), ""),
        (Backend::GeminiApi, _) => (None, "batches/…"),
        (Backend::Vertex, ["projects", _, "locations", _, "batchPredictionJobs", id]) => {
            (Some(*id), "")
        }
        (Backend::Vertex, [id]) if id.bytes().all(|byte| byte.is_ascii_digit()) => (Some(*id), ""),
        (Backend::Vertex, _) => (
            None,
            "projects/…/locations/…/batchPredictionJobs/… or a number",
        ),
    };
    match id {
        Some(id) => Ok(id.to_owned()),
        None => Err(Error::invalid(
            "name",
            format!("is no batch job of {backend}; it must look like `{form}`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_knows_its_own_names() {
        let full = "projects/123/locations/us-central1/batchPredictionJobs/456";
        for (backend, name, id) in [
            (Backend::GeminiApi, "batches/b-1", Some("b-1")),
            (Backend::GeminiApi, "456", None),
            (Backend::GeminiApi, "batches/b/c", None),
            (Backend::GeminiApi, "batches/", None),
            (Backend::GeminiApi, full, None),
            (Backend::Vertex, full, Some("456")),
            (Backend::Vertex, "456", Some("456")),
            (Backend::Vertex, "batches/456", None),
            (Backend::Vertex, "batchPredictionJobs/456", None),
            (Backend::Vertex, "a456", None),
            (Backend::Vertex, "", None),
            (Backend::Vertex, "projects/1/locations/l/jobs/456", None),
        ] {
            assert_eq!(batch_job_id(backend, name).ok().as_deref(), id, "{name}");
        }
        let error = batch_job_id(Backend::GeminiApi, "456").unwrap_err();
        assert_eq!(error.field(), Some("name"));
        assert!(error.to_string().contains("`batches/…`"), "{error}");
    }
}
