//! Webhooks: addresses of yours that the service tells when work is done.

use crate::Timestamp;

snake_wire! {
    /// An address that is told when work is done.
    pub struct Webhook {
        /// Its identifier.
        pub id: Option<String>,
        /// A name for people.
        pub name: Option<String>,
        /// The address.
        pub uri: Option<String>,
        /// What it is told.
        pub subscribed_events: Vec<WebhookEvent>,
        /// Whether it is told.
        pub state: Option<WebhookState>,
        /// The secret that messages are signed with; only from its creation.
        pub new_signing_secret: Option<String>,
        /// Its secrets, without what is secret of them.
        pub signing_secrets: Vec<SigningSecret>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
    }

    /// What a webhook is made of.
    #[derive(Debug)]
    pub struct WebhookInput {
        /// The address.
        pub uri: Option<String>,
        /// What it is told.
        pub subscribed_events: Vec<WebhookEvent>,
        /// A name for people.
        pub name: Option<String>,
    }

    /// What changes of a webhook.
    #[derive(Debug)]
    pub struct WebhookUpdate {
        /// A name for people.
        pub name: Option<String>,
        /// The address.
        pub uri: Option<String>,
        /// What it is told.
        pub subscribed_events: Vec<WebhookEvent>,
        /// Whether it is told.
        pub state: Option<WebhookState>,
    }
}

open_enum! {
    /// Whether a webhook is told.
    pub enum WebhookState {
        /// It is.
        Enabled = "enabled",
        /// It is not.
        Disabled = "disabled",
        /// It is not any more, because it did not answer.
        DisabledDueToFailedDeliveries = "disabled_due_to_failed_deliveries",
    }

    /// What a webhook is told.
    pub enum WebhookEvent {
        /// A batch job is done.
        BatchSucceeded = "batch.succeeded",
        /// A batch job took too long.
        BatchExpired = "batch.expired",
        /// A batch job failed.
        BatchFailed = "batch.failed",
        /// An interaction waits for the results of functions.
        InteractionRequiresAction = "interaction.requires_action",
        /// An interaction is done.
        InteractionCompleted = "interaction.completed",
        /// An interaction failed.
        InteractionFailed = "interaction.failed",
        /// A film is made.
        VideoGenerated = "video.generated",
    }
}

snake_wire! {
    /// A secret that messages are signed with.
    #[derive(Debug)]
    pub struct SigningSecret {
        /// Enough of it to tell it from others.
        pub truncated_secret: Option<String>,
        /// When it is used no more.
        pub expire_time: Option<Timestamp>,
    }

    /// How a secret is replaced.
    #[derive(Debug)]
    pub struct RotateSigningSecretRequest {
        /// What becomes of the old ones.
        pub revocation_behavior: Option<RevocationBehavior>,
    }
}

open_enum! {
    /// What becomes of old secrets.
    pub enum RevocationBehavior {
        /// They are used for another day beside the new one.
        AfterADay = "revoke_previous_secrets_after_h24",
        /// They are used no more.
        Immediately = "revoke_previous_secrets_immediately",
    }
}

snake_wire! {
    /// A new secret.
    pub struct WebhookRotateSigningSecretResponse {
        /// The secret.
        pub secret: Option<String>,
    }

    /// A page of webhooks.
    #[derive(Debug)]
    pub struct WebhookListResponse {
        /// The webhooks.
        pub webhooks: Vec<Webhook>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}

names_only_debug!(Webhook, WebhookRotateSigningSecretResponse);
