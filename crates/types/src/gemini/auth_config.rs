//! How the service signs in to an outside service for a tool.

wire! {
    /// How to sign in.
    #[derive(Debug)]
    pub struct AuthConfig {
        /// A plain key.
        pub api_key: Option<String>,
        /// A key and where it goes; Vertex only.
        pub api_key_config: Option<Box<ApiKeyConfig>>,
        /// Which way; Vertex only.
        pub auth_type: Option<AuthType>,
        /// As a service account; Vertex only.
        pub google_service_account_config: Option<Box<AuthConfigGoogleServiceAccountConfig>>,
        /// By name and password; Vertex only.
        pub http_basic_auth_config: Option<Box<AuthConfigHttpBasicAuthConfig>>,
        /// By OAuth; Vertex only.
        pub oauth_config: Option<Box<AuthConfigOauthConfig>>,
        /// By OpenID Connect; Vertex only.
        pub oidc_config: Option<Box<AuthConfigOidcConfig>>,
    }

    /// A key and where it goes.
    #[derive(Debug)]
    pub struct ApiKeyConfig {
        /// Name of the parameter that carries it.
        pub name: Option<String>,
        /// Where the secret manager keeps it.
        pub api_key_secret: Option<String>,
        /// The key itself.
        pub api_key_string: Option<String>,
        /// Which part of the request carries it.
        pub http_element_location: Option<HttpElementLocation>,
    }

    /// A service account.
    #[derive(Debug)]
    pub struct AuthConfigGoogleServiceAccountConfig {
        /// Its e-mail address.
        pub service_account: Option<String>,
    }

    /// Name and password.
    #[derive(Debug)]
    pub struct AuthConfigHttpBasicAuthConfig {
        /// Where the secret manager keeps them.
        pub credential_secret: Option<String>,
    }

    /// OAuth.
    #[derive(Debug)]
    pub struct AuthConfigOauthConfig {
        /// A token.
        pub access_token: Option<String>,
        /// An account to get tokens for.
        pub service_account: Option<String>,
    }

    /// OpenID Connect.
    #[derive(Debug)]
    pub struct AuthConfigOidcConfig {
        /// A token.
        pub id_token: Option<String>,
        /// An account to get tokens for.
        pub service_account: Option<String>,
    }
}

open_enum! {
    /// Which part of a request carries a key.
    pub enum HttpElementLocation {
        /// Not said.
        Unspecified = "HTTP_IN_UNSPECIFIED",
        /// The query.
        Query = "HTTP_IN_QUERY",
        /// A header.
        Header = "HTTP_IN_HEADER",
        /// The path.
        Path = "HTTP_IN_PATH",
        /// The body.
        Body = "HTTP_IN_BODY",
        /// A cookie.
        Cookie = "HTTP_IN_COOKIE",
    }

    /// Ways to sign in.
    pub enum AuthType {
        /// Not said.
        Unspecified = "AUTH_TYPE_UNSPECIFIED",
        /// None.
        NoAuth = "NO_AUTH",
        /// A key.
        ApiKey = "API_KEY_AUTH",
        /// Name and password.
        HttpBasic = "HTTP_BASIC_AUTH",
        /// A service account.
        GoogleServiceAccount = "GOOGLE_SERVICE_ACCOUNT_AUTH",
        /// OAuth.
        Oauth = "OAUTH",
        /// OpenID Connect.
        Oidc = "OIDC_AUTH",
    }
}
