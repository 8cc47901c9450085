//! The paths below a model, and those of what a caller owns: tuned models, endpoints, jobs and
//! tokens.

use super::Route;

/// The call below `models/`, with the model as its resource.
pub(super) fn model_route(method: &str, tail: &str) -> (Route, String) {
    let (model, verb) = match tail.rsplit_once(':') {
        Some((model, verb)) => (model, Some(verb)),
        None => (tail, None),
    };
    let route = match (method, verb) {
        ("GET", None) => Route::GetModel,
        ("PATCH", None) => Route::UpdateModel,
        ("DELETE", None) => Route::DeleteModel,
        ("POST", Some("generateContent")) => Route::GenerateContent,
        ("POST", Some("streamGenerateContent")) => Route::StreamGenerateContent,
        ("POST", Some("countTokens")) => Route::CountTokens,
        ("POST", Some("computeTokens")) => Route::ComputeTokens,
        ("POST", Some("embedContent")) => Route::EmbedContent,
        ("POST", Some("batchEmbedContents")) => Route::BatchEmbedContents,
        ("POST", Some("predict")) => Route::Predict,
        ("POST", Some("predictLongRunning")) => Route::PredictLongRunning,
        ("POST", Some("fetchPredictOperation")) => Route::FetchPredictOperation,
        ("POST", Some("batchGenerateContent")) => Route::CreateBatch,
        ("POST", Some("asyncBatchEmbedContent")) => Route::CreateEmbeddingsBatch,
        _ => return unknown(),
    };
    (route, model.to_owned())
}

/// The call on something a caller owns. The resource of a tuned model is its whole name below the
/// project, that of a job its identifier alone.
pub(super) fn route_of(method: &str, rest: &[&str]) -> (Route, String) {
    match rest {
        ["auth_tokens" | "authTokens"] if method == "POST" => plain(Route::CreateAuthToken),
        ["models"] | ["tunedModels"] if method == "GET" => plain(Route::ListTunedModels),
        ["tunedModels"] | ["tuningJobs"] if method == "POST" => plain(Route::CreateTuning),
        ["tuningJobs"] if method == "GET" => plain(Route::ListTunings),
        ["tuningJobs:validateReinforcementTuningReward"] if method == "POST" => {
            plain(Route::ValidateReward)
        }
        ["models" | "tunedModels" | "endpoints", id] => match (method, id.split_once(':')) {
            ("POST", Some((id, "cancel"))) if rest[0] == "tunedModels" => {
                (Route::CancelTuning, format!("tunedModels/{id}"))
            }
            _ => {
                let (route, id) = model_route(method, id);
                (route, format!("{}/{id}", rest[0]))
            }
        },
        ["tuningJobs", id] => match (method, id.split_once(':')) {
            ("GET", None) => (Route::GetTuning, (*id).to_owned()),
            ("POST", Some((id, "cancel"))) => (Route::CancelTuning, id.to_owned()),
            _ => unknown(),
        },
        ["batches" | "batchPredictionJobs"] if method == "GET" => plain(Route::ListBatches),
        ["batchPredictionJobs"] if method == "POST" => plain(Route::CreateBatch),
        ["batches" | "batchPredictionJobs", id] => match (method, id.split_once(':')) {
            ("GET", None) => (Route::GetBatch, (*id).to_owned()),
            ("DELETE", None) => (Route::DeleteBatch, (*id).to_owned()),
            ("POST", Some((id, "cancel"))) => (Route::CancelBatch, id.to_owned()),
            _ => unknown(),
        },
        _ => unknown(),
    }
}

fn plain(route: Route) -> (Route, String) {
    (route, String::new())
}

fn unknown() -> (Route, String) {
    plain(Route::Unknown)
}

#[cfg(test)]
mod tests {
    use crate::route::{Backend, Route, Target};
    use http::Method;

    fn parse(method: &str, path: &str) -> (Backend, Route, String) {
        let method = Method::from_bytes(method.as_bytes()).expect("method");
        let target = Target::parse(&method, path);
        (target.backend, target.route, target.resource)
    }

    #[test]
    fn what_a_developer_owns() {
        let cases = [
            ("POST", "tunedModels", Route::CreateTuning, ""),
            ("GET", "tunedModels", Route::ListTunedModels, ""),
            ("GET", "tunedModels/a", Route::GetModel, "tunedModels/a"),
            (
                "PATCH",
                "tunedModels/a",
                Route::UpdateModel,
                "tunedModels/a",
            ),
            (
                "DELETE",
                "tunedModels/a",
                Route::DeleteModel,
                "tunedModels/a",
            ),
            (
                "POST",
                "tunedModels/a:generateContent",
                Route::GenerateContent,
                "tunedModels/a",
            ),
            (
                "GET",
                "tunedModels/a/operations/b",
                Route::GetOperation,
                "tunedModels/a/operations/b",
            ),
            (
                "POST",
                "tunedModels/a/operations/b:cancel",
                Route::CancelOperation,
                "tunedModels/a/operations/b",
            ),
            (
                "POST",
                "tunedModels/a:cancel",
                Route::CancelTuning,
                "tunedModels/a",
            ),
            (
                "POST",
                "models/m:batchGenerateContent",
                Route::CreateBatch,
                "m",
            ),
            (
                "POST",
                "models/m:asyncBatchEmbedContent",
                Route::CreateEmbeddingsBatch,
                "m",
            ),
            ("GET", "batches", Route::ListBatches, ""),
            ("GET", "batches/7", Route::GetBatch, "7"),
            ("POST", "batches/7:cancel", Route::CancelBatch, "7"),
            ("DELETE", "batches/7", Route::DeleteBatch, "7"),
            ("POST", "auth_tokens", Route::CreateAuthToken, ""),
            ("PUT", "batches/7", Route::Unknown, ""),
            ("POST", "batches/7:undo", Route::Unknown, ""),
        ];
        for (method, path, route, resource) in cases {
            let expected = (Backend::Developer, route, resource.to_owned());
            assert_eq!(
                parse(method, &format!("/v1beta/{path}")),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn what_a_project_owns() {
        let cases = [
            ("GET", "models", Route::ListTunedModels, ""),
            ("GET", "models/9", Route::GetModel, "models/9"),
            ("PATCH", "models/9", Route::UpdateModel, "models/9"),
            ("DELETE", "models/9", Route::DeleteModel, "models/9"),
            (
                "POST",
                "endpoints/8:generateContent",
                Route::GenerateContent,
                "endpoints/8",
            ),
            ("POST", "tuningJobs", Route::CreateTuning, ""),
            ("GET", "tuningJobs", Route::ListTunings, ""),
            ("GET", "tuningJobs/5", Route::GetTuning, "5"),
            ("POST", "tuningJobs/5:cancel", Route::CancelTuning, "5"),
            (
                "POST",
                "tuningJobs:validateReinforcementTuningReward",
                Route::ValidateReward,
                "",
            ),
            ("POST", "batchPredictionJobs", Route::CreateBatch, ""),
            ("GET", "batchPredictionJobs/6", Route::GetBatch, "6"),
            (
                "POST",
                "publishers/google/models/m:predict",
                Route::Predict,
                "m",
            ),
            ("GET", "publishers/google/models", Route::ListModels, ""),
        ];
        for (method, path, route, resource) in cases {
            let path = format!("/v1/projects/p/locations/l/{path}");
            let expected = (Backend::Vertex, route, resource.to_owned());
            assert_eq!(parse(method, &path), expected, "{path}");
        }
    }
}
