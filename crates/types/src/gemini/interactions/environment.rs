//! The environment that an agent works in: files, variables and what it may reach.

use std::collections::BTreeMap;

by_shape! {
    /// An environment: one that exists, or what to make one of.
    #[derive(Debug)]
    pub enum InteractionEnvironment {
        /// The identifier of one that exists.
        Id(String) = "text",
        /// What to make one of.
        Config(RemoteEnvironment) = "object",
    }
}

tagged! {
    /// Where an environment runs.
    #[derive(Debug)]
    pub enum RemoteEnvironment {
        /// At the service.
        Remote(Environment) = "remote",
    }
}

snake_wire! {
    /// What to make an environment of.
    pub struct Environment {
        /// Changes this environment instead of making one.
        pub environment_id: Option<String>,
        /// What it holds from the start.
        pub sources: Vec<Source>,
        /// Variables of its processes.
        pub env: BTreeMap<String, Env>,
        /// What it may reach.
        pub network: Option<Network>,
    }

    /// Something that an environment holds from the start.
    #[derive(Debug)]
    pub struct Source {
        /// Where it comes from.
        pub source_type: Option<SourceType> = "type",
        /// Its address: a path in Cloud Storage or a repository.
        pub source: Option<String>,
        /// Its content; `inline` only.
        pub content: Option<String>,
        /// How the content is written, such as `base64`.
        pub encoding: Option<String>,
        /// Its path in the environment.
        pub target: Option<String>,
    }
}

open_enum! {
    /// Where something in an environment comes from.
    pub enum SourceType {
        /// Cloud Storage.
        Gcs = "gcs",
        /// The request itself.
        Inline = "inline",
        /// A repository of code.
        Repository = "repository",
        /// The registry of skills.
        SkillRegistry = "skill_registry",
    }
}

by_shape! {
    /// The value of a variable of an environment.
    pub enum Env {
        /// A text.
        Value(String) = "text",
        /// A text or a credential.
        Var(EnvVar) = "object",
    }
}

snake_wire! {
    /// The value of a variable of an environment.
    pub struct EnvVar {
        /// A text.
        pub value: Option<String>,
        /// A stored credential by its identifier, which never enters the environment.
        pub credential: Option<String>,
    }
}

by_shape! {
    /// What an environment may reach.
    #[derive(Debug)]
    pub enum Network {
        /// Everything or nothing, by name.
        Mode(NetworkEnum) = "text",
        /// A list of domains.
        Egress(EnvironmentNetworkEgressAllowlist) = "object",
    }
}

open_enum! {
    /// What an environment may reach, by name.
    pub enum NetworkEnum {
        /// Nothing.
        Disabled = "disabled",
    }
}

snake_wire! {
    /// The domains that an environment may reach.
    #[derive(Debug)]
    pub struct EnvironmentNetworkEgressAllowlist {
        /// The domains.
        pub allowlist: Option<Allowlist>,
    }
}

by_shape! {
    /// Domains that may be reached.
    #[derive(Debug)]
    pub enum Allowlist {
        /// None of them, by name.
        Mode(Disabled) = "text",
        /// These.
        Entries(Vec<AllowlistEntry>) = "list",
    }
}

open_enum! {
    /// No domain at all.
    pub enum Disabled {
        /// Nothing may be reached.
        Disabled = "disabled",
    }
}

snake_wire! {
    /// A domain that may be reached.
    pub struct AllowlistEntry {
        /// The domain; `*.example.com` and `*` are wide.
        pub domain: Option<String>,
        /// A stored credential that requests to it carry.
        pub credential: Option<String>,
        /// Headers that requests to it carry.
        pub transform: Option<Transform>,
    }
}

by_shape! {
    /// Headers that are put into requests.
    pub enum Transform {
        /// By name.
        One(BTreeMap<String, String>) = "object",
        /// In several groups.
        Several(Vec<BTreeMap<String, String>>) = "list",
    }
}

names_only_debug!(Environment, Env, EnvVar, AllowlistEntry, Transform);

from_text!(
    InteractionEnvironment::Id,
    Env::Value,
    Network::Mode,
    Allowlist::Mode
);

impl From<Environment> for InteractionEnvironment {
    fn from(environment: Environment) -> Self {
        Self::Config(environment.into())
    }
}
