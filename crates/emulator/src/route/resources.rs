//! The calls on interactions and the resources around them, by verb and path.

/// A call on interactions or a resource around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceCall {
    /// `POST interactions`.
    CreateInteraction,
    /// `GET interactions/{id}`.
    GetInteraction,
    /// `POST interactions/{id}/cancel`.
    CancelInteraction,
    /// `DELETE interactions/{id}`.
    DeleteInteraction,
    /// `POST agents`.
    CreateAgent,
    /// `GET agents/{id}`.
    GetAgent,
    /// `GET agents`.
    ListAgents,
    /// `DELETE agents/{id}`.
    DeleteAgent,
    /// `POST triggers`.
    CreateTrigger,
    /// `GET triggers/{id}`.
    GetTrigger,
    /// `GET triggers`.
    ListTriggers,
    /// `PATCH triggers/{id}`.
    UpdateTrigger,
    /// `DELETE triggers/{id}`.
    DeleteTrigger,
    /// `POST triggers/{id}/executions`.
    RunTrigger,
    /// `GET triggers/{id}/executions`.
    ListTriggerExecutions,
    /// `POST environments`.
    CreateEnvironment,
    /// `GET environments/{id}`.
    GetEnvironment,
    /// `GET environments`.
    ListEnvironments,
    /// `DELETE environments/{id}`.
    DeleteEnvironment,
    /// `GET environments/{id}/files/{path}`, with `alt=media` for the content.
    GetEnvironmentFiles,
    /// `PUT upload/{version}/environments/{id}/files/{path}`: opens an upload.
    UploadEnvironmentFile,
    /// `POST credentials`.
    CreateCredential,
    /// `GET credentials/{id}`.
    GetCredential,
    /// `GET credentials`.
    ListCredentials,
    /// `PATCH credentials/{id}`.
    UpdateCredential,
    /// `DELETE credentials/{id}`.
    DeleteCredential,
    /// `POST voices`.
    CreateVoice,
    /// `GET voices/{id}`.
    GetVoice,
    /// `GET voices`.
    ListVoices,
    /// `DELETE voices/{id}`.
    DeleteVoice,
    /// `POST decisions`.
    CreateDecision,
    /// `POST webhooks`.
    CreateWebhook,
    /// `GET webhooks/{id}`.
    GetWebhook,
    /// `GET webhooks`.
    ListWebhooks,
    /// `PATCH webhooks/{id}`.
    UpdateWebhook,
    /// `DELETE webhooks/{id}`.
    DeleteWebhook,
    /// `POST webhooks/{id}:ping`.
    PingWebhook,
    /// `POST webhooks/{id}:rotateSigningSecret`.
    RotateSigningSecret,
}

use ResourceCall as Call;

impl ResourceCall {
    /// The call that a path below the version means, and what it is about.
    pub(super) fn parse(method: &str, rest: &[&str]) -> Option<(Self, String)> {
        let (collection, tail) = rest.split_first()?;
        if let ("environments", [id, "files", path @ ..]) = (*collection, tail) {
            let about = format!("{id}/{}", path.join("/"));
            return (method == "GET").then_some((Call::GetEnvironmentFiles, about));
        }
        let call = match (*collection, method, tail) {
            ("interactions", "POST", []) => Call::CreateInteraction,
            ("interactions", "GET", [_]) => Call::GetInteraction,
            ("interactions", "DELETE", [_]) => Call::DeleteInteraction,
            ("interactions", "POST", [_, "cancel"]) => Call::CancelInteraction,
            ("agents", "POST", []) => Call::CreateAgent,
            ("agents", "GET", []) => Call::ListAgents,
            ("agents", "GET", [_]) => Call::GetAgent,
            ("agents", "DELETE", [_]) => Call::DeleteAgent,
            ("triggers", "POST", []) => Call::CreateTrigger,
            ("triggers", "GET", []) => Call::ListTriggers,
            ("triggers", "GET", [_]) => Call::GetTrigger,
            ("triggers", "PATCH", [_]) => Call::UpdateTrigger,
            ("triggers", "DELETE", [_]) => Call::DeleteTrigger,
            ("triggers", "POST", [_, "executions"]) => Call::RunTrigger,
            ("triggers", "GET", [_, "executions"]) => Call::ListTriggerExecutions,
            ("environments", "POST", []) => Call::CreateEnvironment,
            ("environments", "GET", []) => Call::ListEnvironments,
            ("environments", "GET", [_]) => Call::GetEnvironment,
            ("environments", "DELETE", [_]) => Call::DeleteEnvironment,
            ("credentials", "POST", []) => Call::CreateCredential,
            ("credentials", "GET", []) => Call::ListCredentials,
            ("credentials", "GET", [_]) => Call::GetCredential,
            ("credentials", "PATCH", [_]) => Call::UpdateCredential,
            ("credentials", "DELETE", [_]) => Call::DeleteCredential,
            ("voices", "POST", []) => Call::CreateVoice,
            ("voices", "GET", []) => Call::ListVoices,
            ("voices", "GET", [_]) => Call::GetVoice,
            ("voices", "DELETE", [_]) => Call::DeleteVoice,
            ("decisions", "POST", []) => Call::CreateDecision,
            ("webhooks", "POST", []) => Call::CreateWebhook,
            ("webhooks", "GET", []) => Call::ListWebhooks,
            ("webhooks", "GET", [_]) => Call::GetWebhook,
            ("webhooks", "PATCH", [_]) => Call::UpdateWebhook,
            ("webhooks", "DELETE", [_]) => Call::DeleteWebhook,
            ("webhooks", "POST", [name]) => return on_webhook(name),
            _ => return None,
        };
        let id = tail.first().copied().unwrap_or_default();
        Some((call, id.to_owned()))
    }

    /// The same for a path below `upload/{version}`.
    pub(super) fn parse_upload(method: &str, rest: &[&str]) -> Option<(Self, String)> {
        match rest {
            ["environments", id, "files", path @ ..]
                if matches!(method, "PUT" | "POST") && !path.is_empty() =>
            {
                let about = format!("{id}/{}", path.join("/"));
                Some((Call::UploadEnvironmentFile, about))
            }
            _ => None,
        }
    }

    /// Whether a model or an agent works on it before the answer.
    pub(crate) fn is_of_a_model(self) -> bool {
        matches!(self, Call::CreateInteraction | Call::CreateDecision)
    }
}

fn on_webhook(name: &str) -> Option<(Call, String)> {
    let (id, verb) = name.split_once(':')?;
    let call = match verb {
        "ping" => Call::PingWebhook,
        "rotateSigningSecret" => Call::RotateSigningSecret,
        _ => return None,
    };
    Some((call, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_calls() {
        for (method, path, call, about) in [
            ("POST", "interactions", Call::CreateInteraction, ""),
            (
                "POST",
                "interactions/i/cancel",
                Call::CancelInteraction,
                "i",
            ),
            (
                "GET",
                "triggers/t/executions",
                Call::ListTriggerExecutions,
                "t",
            ),
            ("POST", "webhooks/w:ping", Call::PingWebhook, "w"),
            (
                "GET",
                "environments/e/files",
                Call::GetEnvironmentFiles,
                "e/",
            ),
            (
                "GET",
                "environments/e/files/a/b",
                Call::GetEnvironmentFiles,
                "e/a/b",
            ),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            let found = ResourceCall::parse(method, &parts);
            assert_eq!(found, Some((call, about.to_owned())), "{path}");
        }
        for (method, path) in [
            ("GET", "interactions"),
            ("PUT", "agents/a"),
            ("POST", "webhooks/w:pong"),
            ("POST", "environments/e/files/a"),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(ResourceCall::parse(method, &parts), None, "{method} {path}");
        }
        let upload = ["environments", "e", "files", "a", "b"];
        let found = ResourceCall::parse_upload("PUT", &upload);
        assert_eq!(
            found,
            Some((Call::UploadEnvironmentFile, "e/a/b".to_owned()))
        );
    }
}
