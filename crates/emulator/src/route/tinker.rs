//! The calls of the Tinker API, by verb and path.

/// A call of the Tinker API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TinkerCall {
    /// `POST client/config`.
    ClientConfig,
    /// `POST client/dynamic_config`.
    DynamicConfig,
    /// `POST auth/token`.
    AuthToken,
    /// `GET auth/apikey/me`.
    GetOwnKey,
    /// `DELETE auth/apikey/me`.
    DeleteOwnKey,
    /// `GET healthz`.
    Health,
    /// `GET get_server_capabilities`.
    Capabilities,
    /// `POST create_session`.
    CreateSession,
    /// `POST session_heartbeat`.
    Heartbeat,
    /// `POST sessions/{session}/finish`.
    FinishSession,
    /// `GET sessions`.
    ListSessions,
    /// `GET sessions/{session}`.
    GetSession,
    /// `PUT sessions/{session}/project`.
    AssignProject,
    /// `GET sessions/{session}/trace_export`.
    ExportTrace,
    /// `POST sessions/search`.
    SearchSessions,
    /// `POST create_model`.
    CreateModel,
    /// `POST get_info`.
    GetInfo,
    /// `POST unload_model`, which newer clients do not call.
    UnloadModel,
    /// `POST forward_backward`, with or without the backward pass.
    ForwardBackward,
    /// `POST optim_step`.
    OptimStep,
    /// `POST load_weights`.
    LoadWeights,
    /// `POST save_weights`.
    SaveWeights,
    /// `POST save_weights_for_sampler`.
    SaveWeightsForSampler,
    /// `POST save_weights_external`.
    SaveWeightsExternal,
    /// `POST create_custom_loss`.
    CreateCustomLoss,
    /// `POST copy_weights`.
    CopyWeights,
    /// `POST weights_info`.
    WeightsInfo,
    /// `POST create_sampling_session`.
    CreateSamplingSession,
    /// `POST join_sampling_session`.
    JoinSamplingSession,
    /// `GET samplers/{sampler}`.
    GetSampler,
    /// `POST asample`.
    Sample,
    /// `POST retrieve_future`.
    RetrieveFuture,
    /// `POST retrieve_futures`.
    RetrieveFutures,
    /// `POST cancel_future`.
    CancelFuture,
    /// `GET training_runs`.
    ListRuns,
    /// `GET training_runs/{run}`.
    GetRun,
    /// `GET training_runs/{run}/checkpoints`.
    ListRunCheckpoints,
    /// `GET training_runs/{run}/checkpoints/{checkpoint}/external_weights_urls`.
    ExternalWeightsUrls,
    /// `GET training_runs/{run}/checkpoints/{checkpoint}/archive`, which newer clients do not call.
    CheckpointArchive,
    /// `DELETE training_runs/{run}/checkpoints/{checkpoint}`.
    DeleteCheckpoint,
    /// `POST training_runs/{run}/checkpoints/{checkpoint}/publish`.
    PublishCheckpoint,
    /// `DELETE training_runs/{run}/checkpoints/{checkpoint}/publish`.
    UnpublishCheckpoint,
    /// `PUT training_runs/{run}/checkpoints/{checkpoint}/ttl`.
    SetCheckpointTtl,
    /// `GET checkpoints`.
    ListCheckpoints,
    /// `GET audit`.
    AuditLog,
    /// `GET billing/usage/events`.
    BillingUsage,
    /// `GET billing/usage/checkpoints/current`.
    StorageUsage,
    /// `POST telemetry`.
    Telemetry,
    /// `GET {org}/{repository}/resolve/{revision}/{file}`: a file of the hub of models.
    HubFile,
    /// `GET downloads/{file}?ticket=…`: what signed addresses lead to.
    Download,
}

use TinkerCall as Call;

impl TinkerCall {
    /// The call that a path means, and the identifiers in it. Servers stand behind a prefix of two
    /// segments, such as `services/tinker-prod`, which may be left out. The hub stands at the root.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Option<(Self, String)> {
        if let ("GET" | "HEAD", [org, name, "resolve", _, file @ ..]) = (method, segments) {
            let file = format!("{org}/{name}/{}", file.join("/"));
            return Some((Call::HubFile, file));
        }
        let rest = match segments {
            ["api", "v1", rest @ ..] | ["services", _, "api", "v1", rest @ ..] => rest,
            _ => return None,
        };
        let plain = |call| Some((call, String::new()));
        match (method, rest) {
            ("POST", [name]) => plain(posted(name)?),
            ("POST", ["client", "config"]) => plain(Call::ClientConfig),
            ("POST", ["client", "dynamic_config"]) => plain(Call::DynamicConfig),
            ("POST", ["auth", "token"]) => plain(Call::AuthToken),
            ("GET", ["auth", "apikey", "me"]) => plain(Call::GetOwnKey),
            ("DELETE", ["auth", "apikey", "me"]) => plain(Call::DeleteOwnKey),
            ("GET", ["healthz"]) => plain(Call::Health),
            ("GET", ["get_server_capabilities"]) => plain(Call::Capabilities),
            ("GET", ["sessions"]) => plain(Call::ListSessions),
            ("POST", ["sessions", "search"]) => plain(Call::SearchSessions),
            (_, ["sessions", id, tail @ ..]) => {
                let call = match (method, tail) {
                    ("GET", []) => Call::GetSession,
                    ("POST", ["finish"]) => Call::FinishSession,
                    ("PUT", ["project"]) => Call::AssignProject,
                    ("GET", ["trace_export"]) => Call::ExportTrace,
                    _ => return None,
                };
                Some((call, (*id).to_owned()))
            }
            ("GET", ["samplers", id]) => Some((Call::GetSampler, (*id).to_owned())),
            ("GET", ["checkpoints"]) => plain(Call::ListCheckpoints),
            ("GET", ["audit"]) => plain(Call::AuditLog),
            ("GET", ["billing", "usage", "events"]) => plain(Call::BillingUsage),
            ("GET", ["billing", "usage", "checkpoints", "current"]) => plain(Call::StorageUsage),
            ("GET", ["training_runs"]) => plain(Call::ListRuns),
            (_, ["training_runs", run, tail @ ..]) => of_a_run(method, run, tail),
            ("GET" | "HEAD", ["downloads", tail @ ..]) => Some((Call::Download, tail.join("/"))),
            _ => None,
        }
    }
}

/// Calls whose path is a single name.
fn posted(name: &str) -> Option<Call> {
    Some(match name {
        "create_session" => Call::CreateSession,
        "session_heartbeat" => Call::Heartbeat,
        "create_model" => Call::CreateModel,
        "get_info" => Call::GetInfo,
        "unload_model" => Call::UnloadModel,
        "forward_backward" => Call::ForwardBackward,
        "optim_step" => Call::OptimStep,
        "load_weights" => Call::LoadWeights,
        "save_weights" => Call::SaveWeights,
        "save_weights_for_sampler" => Call::SaveWeightsForSampler,
        "save_weights_external" => Call::SaveWeightsExternal,
        "create_custom_loss" => Call::CreateCustomLoss,
        "copy_weights" => Call::CopyWeights,
        "weights_info" => Call::WeightsInfo,
        "create_sampling_session" => Call::CreateSamplingSession,
        "join_sampling_session" => Call::JoinSamplingSession,
        "asample" => Call::Sample,
        "retrieve_future" => Call::RetrieveFuture,
        "retrieve_futures" => Call::RetrieveFutures,
        "cancel_future" => Call::CancelFuture,
        "telemetry" => Call::Telemetry,
        _ => return None,
    })
}

/// What stands after a training run; a checkpoint has a segment for its kind and one for its name.
fn of_a_run(method: &str, run: &str, tail: &[&str]) -> Option<(Call, String)> {
    let (call, checkpoint) = match (method, tail) {
        ("GET", []) => return Some((Call::GetRun, run.to_owned())),
        ("GET", ["checkpoints"]) => return Some((Call::ListRunCheckpoints, run.to_owned())),
        ("GET", ["checkpoints", checkpoint @ .., "external_weights_urls"]) => {
            (Call::ExternalWeightsUrls, checkpoint)
        }
        ("GET", ["checkpoints", checkpoint @ .., "archive"]) => {
            (Call::CheckpointArchive, checkpoint)
        }
        ("POST", ["checkpoints", checkpoint @ .., "publish"]) => {
            (Call::PublishCheckpoint, checkpoint)
        }
        ("DELETE", ["checkpoints", checkpoint @ .., "publish"]) if checkpoint.len() == 2 => {
            (Call::UnpublishCheckpoint, checkpoint)
        }
        ("PUT", ["checkpoints", checkpoint @ .., "ttl"]) => (Call::SetCheckpointTtl, checkpoint),
        ("DELETE", ["checkpoints", checkpoint @ ..]) => (Call::DeleteCheckpoint, checkpoint),
        _ => return None,
    };
    match checkpoint {
        [kind, name] => Some((call, format!("{run}/{kind}/{name}"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, path: &str) -> Option<(Call, String)> {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        TinkerCall::parse(method, &segments)
    }

    #[test]
    fn identifiers_are_taken_as_they_are() {
        let run = "training_runs/s-1:train:0";
        for (method, path, call, about) in [
            ("POST", "asample".to_owned(), Call::Sample, ""),
            ("GET", "sessions/s-1".to_owned(), Call::GetSession, "s-1"),
            (
                "POST",
                "sessions/search".to_owned(),
                Call::SearchSessions,
                "",
            ),
            (
                "GET",
                "samplers/s-1:sample:0".to_owned(),
                Call::GetSampler,
                "s-1:sample:0",
            ),
            ("GET", run.to_owned(), Call::GetRun, "s-1:train:0"),
            (
                "DELETE",
                format!("{run}/checkpoints/weights/0001"),
                Call::DeleteCheckpoint,
                "s-1:train:0/weights/0001",
            ),
            (
                "DELETE",
                format!("{run}/checkpoints/weights/publish"),
                Call::DeleteCheckpoint,
                "s-1:train:0/weights/publish",
            ),
            (
                "DELETE",
                format!("{run}/checkpoints/weights/a/publish"),
                Call::UnpublishCheckpoint,
                "s-1:train:0/weights/a",
            ),
        ] {
            for prefix in ["api/v1", "services/tinker-prod/api/v1"] {
                let found = parse(method, &format!("/{prefix}/{path}"));
                assert_eq!(found, Some((call, about.to_owned())), "{path}");
            }
        }
    }

    #[test]
    fn what_is_not_served_is_no_call() {
        for (method, path) in [
            ("GET", "/api/v1/asample"),
            ("POST", "/api/v2/asample"),
            ("GET", "/v1/sessions"),
            ("POST", "/api/v1/forward"),
            ("GET", "/api/v1/training_runs/r/checkpoints/weights/a"),
            ("DELETE", "/api/v1/training_runs/r/checkpoints/a"),
        ] {
            assert_eq!(parse(method, path), None, "{path}");
        }
    }
}
