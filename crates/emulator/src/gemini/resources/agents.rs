//! Agents: definitions that extend an agent of the service.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        caches::Scope,
        errors::ApiError,
        resources::{
            read,
            shelf::{self, Shelf},
        },
        service::Call,
    },
    reply::Reply,
    rng::identifier,
};

const FIELDS: &[&str] = &[
    "agent_config",
    "base_agent",
    "base_environment",
    "description",
    "id",
    "system_instruction",
    "tools",
];
const TOOLS: &[&str] = &[
    "code_execution",
    "function",
    "google_search",
    "mcp_server",
    "url_context",
];
const FAMILY: u64 = 40;

/// The agents that the service brings.
const BUILT_IN: &[&str] = &["antigravity-", "deep-research-"];

/// The agents of an emulator.
#[derive(Debug)]
pub(crate) struct Agents(Shelf<Map<String, Value>>);

/// What an interaction needs to know of the agent it names.
#[derive(Clone, Debug, Default)]
pub(super) struct Instructions {
    pub(super) system: Option<String>,
    pub(super) tools: Vec<Value>,
    pub(super) model: Option<String>,
    /// Whether it works in the background only.
    pub(super) is_slow: bool,
}

impl Default for Agents {
    fn default() -> Self {
        Self(Shelf::new("agent"))
    }
}

impl Agents {
    pub(super) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, FIELDS, "")?;
        for tool in read::list(fields, "tools")? {
            if !TOOLS.contains(&read::kind(tool)) {
                return Err(read::invalid("tools.type", "it is no tool of an agent"));
            }
        }
        let id = match read::text(fields, "id")?.filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => {
                let alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789";
                identifier(call.seed(), FAMILY, self.0.number(), alphabet, 12)
            }
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !id.chars().all(plain) || is_built_in(&id) {
            return Err(read::invalid(
                "id",
                "it must be a name of letters, digits and dashes",
            ));
        }
        let owner = call.owner();
        if let Some(base) = read::text(fields, "base_agent")?.filter(|base| !base.is_empty()) {
            self.instructions(&owner, base)?;
        }
        let mut agent = fields.clone();
        agent.insert("id".to_owned(), id.as_str().into());
        self.0.insert(&owner, &id, agent.clone())?;
        Ok(Reply::json(StatusCode::OK, &agent.into()))
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let agent = self.0.get(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &agent.into()))
    }

    pub(super) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let all = self.0.all(&call.owner()).into_iter();
        let shown = all.map(|(number, agent)| (number, agent.into()));
        shelf::page(call, "agents", shown.collect())
    }

    pub(super) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.0.remove(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// How an agent works, be it of the service or defined here.
    pub(super) fn instructions(&self, owner: &Scope, id: &str) -> Result<Instructions, ApiError> {
        if is_built_in(id) {
            return Ok(Instructions {
                is_slow: id.starts_with("deep-research-"),
                ..Instructions::default()
            });
        }
        let agent = self.0.get(owner, id)?;
        let base = match read::text(&agent, "base_agent")?.filter(|base| !base.is_empty()) {
            Some(base) => self.instructions(owner, base)?,
            None => Instructions::default(),
        };
        let config = read::object(&agent, "agent_config")?;
        let model = config
            .map(|config| read::text(config, "model"))
            .transpose()?;
        Ok(Instructions {
            system: read::text(&agent, "system_instruction")?
                .map(str::to_owned)
                .or(base.system),
            tools: match read::list(&agent, "tools")? {
                [] => base.tools,
                tools => tools.to_vec(),
            },
            model: model.flatten().map(str::to_owned).or(base.model),
            is_slow: base.is_slow,
        })
    }
}

fn is_built_in(id: &str) -> bool {
    BUILT_IN.iter().any(|prefix| id.starts_with(prefix))
}
