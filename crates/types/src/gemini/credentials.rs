//! Credentials: secrets that the service keeps and puts into requests of agents.
//!
//! A secret goes in and never comes out; no debug output shows one.

use crate::Timestamp;

snake_wire! {
    /// A secret that the service keeps.
    #[derive(Debug)]
    pub struct Credential {
        /// Its identifier.
        pub id: Option<String>,
        /// What kind it is.
        pub credential_type: Option<CredentialType> = "type",
        /// How it stands.
        pub status: Option<CredentialStatus>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
    }
}

open_enum! {
    /// A kind of secret.
    pub enum CredentialType {
        /// A token in a header.
        BearerToken = "bearer_token",
        /// Access of OAuth 2, refreshed by the service.
        OAuth2 = "oauth2",
        /// A value that stands for a variable.
        EnvironmentVariable = "environment_variable",
    }

    /// How a secret stands.
    pub enum CredentialStatus {
        /// It is used.
        Active = "active",
        /// It is not used any more.
        Revoked = "revoked",
    }
}

tagged! {
    /// A secret to keep.
    pub enum CredentialCreateParams {
        /// A token in a header.
        BearerToken(HttpBearerConfig) = "bearer_token",
        /// Access of OAuth 2.
        OAuth2(OAuth2Config) = "oauth2",
        /// A value that stands for a variable.
        EnvironmentVariable(EnvironmentVariableConfig) = "environment_variable",
    }

    /// What changes of a secret.
    pub enum CredentialUpdate {
        /// Of a token in a header.
        BearerToken(HttpBearerUpdateConfig) = "bearer_token",
        /// Of access of OAuth 2.
        OAuth2(OAuth2UpdateConfig) = "oauth2",
        /// Of a value that stands for a variable.
        EnvironmentVariable(EnvironmentVariableUpdateConfig) = "environment_variable",
    }
}

snake_wire! {
    /// A token in a header.
    pub struct HttpBearerConfig {
        /// The identifier of the secret, which you choose.
        pub id: Option<String>,
        /// The token.
        pub token: Option<String>,
        /// The header; `Authorization` when absent.
        pub header_name: Option<String>,
        /// What stands before the token; `Bearer` when absent, nothing when empty.
        pub prefix: Option<String>,
    }

    /// What changes of a token in a header.
    pub struct HttpBearerUpdateConfig {
        /// The token.
        pub token: Option<String>,
        /// The header.
        pub header_name: Option<String>,
        /// What stands before the token; nothing when empty.
        pub prefix: Option<String>,
    }

    /// Access of OAuth 2, refreshed by the service.
    pub struct OAuth2Config {
        /// The identifier of the secret, which you choose.
        pub id: Option<String>,
        /// The client.
        pub client_id: Option<String>,
        /// The secret of the client.
        pub client_secret: Option<String>,
        /// What new access is asked for with.
        pub refresh_token: Option<String>,
        /// Where new access is asked for.
        pub token_url: Option<String>,
        /// What it is for.
        pub scopes: Vec<String>,
    }

    /// What changes of access of OAuth 2.
    pub struct OAuth2UpdateConfig {
        /// The client.
        pub client_id: Option<String>,
        /// The secret of the client.
        pub client_secret: Option<String>,
        /// What new access is asked for with.
        pub refresh_token: Option<String>,
        /// Where new access is asked for.
        pub token_url: Option<String>,
        /// What it is for.
        pub scopes: Vec<String>,
    }

    /// A value that stands for a variable of an environment.
    pub struct EnvironmentVariableConfig {
        /// The identifier of the secret, which you choose.
        pub id: Option<String>,
        /// The value.
        pub value: Option<String>,
        /// Where in requests it may be put.
        pub injection_location: Option<InjectionLocation>,
        /// Domains whose requests it may be put into.
        pub trusted_domains: Vec<String>,
    }

    /// What changes of a value that stands for a variable.
    pub struct EnvironmentVariableUpdateConfig {
        /// The value.
        pub value: Option<String>,
        /// Where in requests it may be put.
        pub injection_location: Option<InjectionLocation>,
        /// Domains whose requests it may be put into.
        pub trusted_domains: Vec<String>,
    }
}

by_shape! {
    /// Where in requests a value may be put.
    #[derive(Debug)]
    pub enum InjectionLocation {
        /// In one place.
        One(InjectionLocationEnum) = "text",
        /// In several.
        Several(Vec<InjectionLocationEnum>) = "list",
    }
}

open_enum! {
    /// A place in requests.
    pub enum InjectionLocationEnum {
        /// A header.
        Header = "header",
        /// The query.
        Query = "query",
        /// The body.
        Body = "body",
    }
}

snake_wire! {
    /// A page of secrets.
    #[derive(Debug)]
    pub struct CredentialListResponse {
        /// The secrets, without what is secret of them.
        pub credentials: Vec<Credential>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}

names_only_debug!(
    CredentialCreateParams,
    CredentialUpdate,
    HttpBearerConfig,
    HttpBearerUpdateConfig,
    OAuth2Config,
    OAuth2UpdateConfig,
    EnvironmentVariableConfig,
    EnvironmentVariableUpdateConfig
);

from_text!(InjectionLocation::One);
