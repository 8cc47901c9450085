//! Ephemeral tokens: short-lived permissions for Live sessions, to give to a browser or a phone.

use super::LiveConnectConfig;
use crate::Timestamp;

wire! {
    /// A token. Its name is the secret: it is used in the place of an API key.
    pub struct AuthToken {
        /// The token, such as `auth_tokens/…`.
        pub name: Option<String>,
        /// Until when sessions that it opened may go on.
        pub expire_time: Option<String>,
        /// Until when it opens sessions.
        pub new_session_expire_time: Option<String>,
        /// How many sessions it opens; 0 means any number.
        pub uses: Option<i32>,
    }

    /// What a token permits.
    #[derive(Debug)]
    pub struct CreateAuthTokenConfig {
        /// Until when sessions that it opened may go on; half an hour from now when absent, and
        /// at most 20 hours.
        pub expire_time: Option<Timestamp>,
        /// Until when it opens sessions; one minute from now when absent.
        pub new_session_expire_time: Option<Timestamp>,
        /// How many sessions it opens; 1 when absent, and 0 means any number.
        pub uses: Option<i32>,
        /// The model and the behaviour that its sessions have.
        pub live_connect_constraints: Option<Box<LiveConnectConstraints>>,
        /// What its user cannot choose. Absent: nothing at all. Empty: what the constraints set.
        /// A list: that and these fields, with the defaults of those that are not set.
        pub lock_additional_fields: Option<Vec<String>>,
    }

    /// The model and the behaviour that the sessions of a token have.
    #[derive(Debug)]
    pub struct LiveConnectConstraints {
        /// The model.
        pub model: Option<String>,
        /// The behaviour.
        pub config: Option<Box<LiveConnectConfig>>,
    }
}
