//! Interactions and the resources around them: agents, triggers, environments, credentials, voices,
//! decisions and webhooks. Their JSON is in snake case, other than that of the rest of the service.

mod agents;
mod archive;
mod credentials;
mod cron;
mod decisions;
mod environments;
mod files;
mod interactions;
mod read;
mod shelf;
mod triggers;
mod voices;
mod webhooks;

use std::time::SystemTime;

pub(crate) use environments::Destination;
pub use webhooks::WebhookMessage;

use crate::{
    gemini::{
        errors::ApiError,
        service::{Call, Gemini},
    },
    reply::Reply,
    route::ResourceCall,
};

/// All resources of these kinds.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) interactions: interactions::Interactions,
    pub(crate) agents: agents::Agents,
    pub(crate) triggers: triggers::Triggers,
    pub(crate) environments: environments::Environments,
    pub(crate) credentials: credentials::Credentials,
    pub(crate) voices: voices::Voices,
    pub(crate) webhooks: webhooks::Webhooks,
}

impl Resources {
    /// Nothing yet. One request of an interaction brings at most `limit` tokens.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            interactions: interactions::Interactions::new(limit),
            agents: agents::Agents::default(),
            triggers: triggers::Triggers::default(),
            environments: environments::Environments::default(),
            credentials: credentials::Credentials::default(),
            voices: voices::Voices::default(),
            webhooks: webhooks::Webhooks::default(),
        }
    }

    /// Answers a call on one of them.
    pub(crate) fn answer(&self, which: ResourceCall, call: &Call<'_>) -> Result<Reply, ApiError> {
        match which {
            ResourceCall::CreateInteraction => self.interactions.create(call),
            ResourceCall::GetInteraction => self.interactions.get(call),
            ResourceCall::CancelInteraction => self.interactions.cancel(call),
            ResourceCall::DeleteInteraction => self.interactions.delete(call),
            ResourceCall::CreateAgent => self.agents.create(call),
            ResourceCall::GetAgent => self.agents.get(call),
            ResourceCall::ListAgents => self.agents.list(call),
            ResourceCall::DeleteAgent => self.agents.delete(call),
            ResourceCall::CreateTrigger => self.triggers.create(call),
            ResourceCall::GetTrigger => self.triggers.get(call),
            ResourceCall::ListTriggers => self.triggers.list(call),
            ResourceCall::UpdateTrigger => self.triggers.update(call),
            ResourceCall::DeleteTrigger => self.triggers.delete(call),
            ResourceCall::RunTrigger => self.triggers.run_now(call),
            ResourceCall::ListTriggerExecutions => self.triggers.list_runs(call),
            ResourceCall::CreateEnvironment => self.environments.create(call),
            ResourceCall::GetEnvironment => self.environments.get(call),
            ResourceCall::ListEnvironments => self.environments.list(call),
            ResourceCall::DeleteEnvironment => self.environments.delete(call),
            ResourceCall::GetEnvironmentFiles => self.environments.files(call),
            // Uploads go another way; here is nothing for them.
            ResourceCall::UploadEnvironmentFile => {
                Err(ApiError::not_found("There is no upload here."))
            }
            ResourceCall::CreateCredential => self.credentials.create(call),
            ResourceCall::GetCredential => self.credentials.get(call),
            ResourceCall::ListCredentials => self.credentials.list(call),
            ResourceCall::UpdateCredential => self.credentials.update(call),
            ResourceCall::DeleteCredential => self.credentials.delete(call),
            ResourceCall::CreateVoice => self.voices.create(call),
            ResourceCall::GetVoice => self.voices.get(call),
            ResourceCall::ListVoices => self.voices.list(call),
            ResourceCall::DeleteVoice => self.voices.delete(call),
            ResourceCall::CreateDecision => decisions::create(call),
            ResourceCall::CreateWebhook => self.webhooks.create(call),
            ResourceCall::GetWebhook => self.webhooks.get(call),
            ResourceCall::ListWebhooks => self.webhooks.list(call),
            ResourceCall::UpdateWebhook => self.webhooks.update(call),
            ResourceCall::DeleteWebhook => self.webhooks.delete(call),
            ResourceCall::PingWebhook => self.webhooks.ping(call),
            ResourceCall::RotateSigningSecret => self.webhooks.rotate(call),
        }
    }
}

/// Does what is due by now, before a request is answered.
pub(crate) fn settle(gemini: &Gemini, now: SystemTime) {
    triggers::start_due(gemini, now);
    interactions::answered(gemini, now);
}
