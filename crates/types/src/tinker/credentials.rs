//! Keys that are kept on disk, and what the service says of a key.

use std::collections::BTreeMap;

record! {
    /// The keys of a user, as the file of credentials holds them.
    pub struct StoredCredentialsV1 {
        /// The version of the format.
        #[default(1_u32)]
        pub version: u32,
        /// Which key is used when none is named.
        pub default: Option<String>,
        /// The keys, by identifier.
        #[default(BTreeMap::new())]
        pub keys: BTreeMap<String, StoredKey>,
    }

    /// A key that the user put in.
    pub struct ManualKey {
        /// The key.
        pub key: String,
        /// What it is called.
        pub name: String,
        /// A note on it.
        pub note: Option<String>,
        /// Whose it is.
        pub details: Option<ApiKeyDetails>,
    }

    /// A key that an older command line made.
    pub struct GeneratedKey {
        /// The key.
        pub key: String,
        /// What it is called.
        pub name: String,
        /// Whose it is.
        pub details: ApiKeyDetails,
    }

    /// Whose a key is.
    #[derive(Debug)]
    pub struct ApiKeyDetails {
        /// The organisation.
        pub org_details: ApiKeyOrgDetails,
        /// The user.
        pub user_details: ApiKeyUserDetails,
    }

    /// The organisation of a key.
    #[derive(Debug)]
    pub struct ApiKeyOrgDetails {
        /// What it is called.
        pub name: String,
    }

    /// The user of a key.
    #[derive(Debug)]
    pub struct ApiKeyUserDetails {
        /// Their address.
        pub email: String,
    }

    /// What the service says of the key that a request carries.
    #[derive(Debug)]
    pub struct SelfApiKeyResponse {
        /// Its identifier.
        pub key_id: i64,
        /// What it is called.
        pub name: String,
        /// A note on it.
        pub note: String,
        /// Whose it is.
        pub details: ApiKeyDetails,
    }
}

tagged! {
    /// A key on disk.
    #[derive(Debug)]
    pub enum StoredKey {
        /// One that the user put in.
        Manual(ManualKey) = "manual",
        /// One that an older command line made.
        Generated(GeneratedKey) = "generated",
    }
}

names_only_debug!(StoredCredentialsV1, ManualKey, GeneratedKey);
