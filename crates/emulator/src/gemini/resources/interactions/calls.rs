//! The calls on interactions: create, get, cancel and delete.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    answer::{self, Draw, Outcome},
    events, prompt,
    record::Record,
};
use crate::{
    gemini::{
        caches::Scope,
        errors::ApiError,
        generate,
        resources::{read, shelf::Shelf},
        service::{Call, Gemini},
    },
    reply::Reply,
    rng::identifier,
};

const SHARED: &[&str] = &[
    "background",
    "continuation_token",
    "environment",
    "input",
    "labels",
    "previous_interaction_id",
    "response_format",
    "response_mime_type",
    "response_modalities",
    "safety_settings",
    "service_tier",
    "store",
    "stream",
    "system_instruction",
    "tools",
    "webhook_config",
];
const OF_MODELS: &[&str] = &["cached_content", "generation_config", "model"];
const OF_AGENTS: &[&str] = &["agent", "agent_config"];
/// The model that agents think with unless they say otherwise.
const AGENTS_MODEL: &str = "gemini-2.5-flash";

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const FAMILY: u64 = 44;
const TOKENS: u64 = 45;
/// So many turns a conversation has at most.
const MOST_TURNS: usize = 1000;

/// The interactions of an emulator.
#[derive(Debug)]
pub(crate) struct Interactions {
    kept: Shelf<Record>,
    /// What is left to say, by token.
    left: Mutex<BTreeMap<(Scope, String), Left>>,
    /// The most tokens that one request brings.
    limit: Option<usize>,
}

#[derive(Clone, Debug)]
struct Left {
    rest: String,
    /// The interaction that was cut, when it is kept.
    owner: Option<String>,
    prompt_tokens: u64,
}

impl Interactions {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            kept: Shelf::new("interaction"),
            left: Mutex::default(),
            limit,
        }
    }

    /// `POST interactions`.
    pub(in crate::gemini) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        let stream = read::flag(fields, "stream")?.unwrap_or(false);
        let record = self.make(call, fields, None)?;
        if stream {
            return events::reply(&record, None, call.now);
        }
        Ok(Reply::json(
            StatusCode::OK,
            &record.to_json(false, call.now),
        ))
    }

    /// Begins an interaction with the settings of a request; `environment` is where it runs when
    /// the request does not say.
    pub(in crate::gemini) fn make(
        &self,
        call: &Call<'_>,
        fields: &Map<String, Value>,
        environment: Option<&str>,
    ) -> Result<Record, ApiError> {
        let owner = call.owner();
        let is_agent = check(fields)?;
        let store = read::flag(fields, "store")?.unwrap_or(true);
        let background = read::flag(fields, "background")?.unwrap_or(false);
        if background && !store {
            return Err(read::invalid(
                "store",
                "work in the background has to be stored",
            ));
        }
        let before = self.conversation(&owner, fields, call.now)?;
        let said = match fields.get("input").filter(|input| !input.is_null()) {
            Some(input) => prompt::steps_of(input)?,
            None => Vec::new(),
        };
        let number = self.kept.number();
        let draw = Draw {
            seed: call.seed(),
            number,
        };
        let token = read::text(fields, "continuation_token")?.filter(|token| !token.is_empty());
        let outcome = match token {
            Some(token) => self.go_on(&owner, fields, token)?,
            None if said.is_empty() => return Err(read::missing("input")),
            None => {
                let conversation: Vec<Value> = before.into_iter().chain(said.clone()).collect();
                self.ask(call, fields, is_agent, &conversation, draw)?
            }
        };
        let environment = match fields.get("environment") {
            Some(wanted) => call.resources().environments.of_interaction(call, wanted)?,
            None => environment.map(str::to_owned),
        };
        let takes = call.operation_time();
        let mut record = Record {
            id: match store {
                true => format!(
                    "v1_{}",
                    identifier(call.seed(), FAMILY, number, ALPHABET, 24)
                ),
                false => String::new(),
            },
            request: fields.clone(),
            said,
            outcome,
            token: None,
            environment,
            began: call.now,
            due: if background {
                call.now + takes
            } else {
                call.now
            },
            cancelled: None,
            background,
            told: !background,
        };
        if background && call.fails(&prompt::words(&record.said)) {
            record.outcome = broken();
        }
        self.leave(&owner, &mut record, draw);
        if store {
            self.kept.insert(&owner, &record.id, record.clone())?;
        }
        Ok(record)
    }

    /// Keeps what is left to say, under a token.
    fn leave(&self, owner: &Scope, record: &mut Record, draw: Draw) {
        let Some(rest) = record.outcome.rest.clone() else {
            return;
        };
        let token = identifier(draw.seed, TOKENS, draw.number, ALPHABET, 32);
        let left = Left {
            rest,
            owner: Some(record.id.clone()).filter(|id| !id.is_empty()),
            prompt_tokens: record.outcome.usage["total_input_tokens"]
                .as_u64()
                .unwrap_or(0),
        };
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((owner.clone(), token.clone()), left);
        record.token = Some(token);
    }

    /// What follows what was cut.
    fn go_on(
        &self,
        owner: &Scope,
        fields: &Map<String, Value>,
        token: &str,
    ) -> Result<Outcome, ApiError> {
        let all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(&(owner.clone(), token.to_owned())).cloned();
        drop(all);
        let left = left.ok_or_else(|| read::invalid("continuation_token", "it is not known"))?;
        if left.owner.is_some()
            && read::text(fields, "previous_interaction_id")? != left.owner.as_deref()
        {
            return Err(read::invalid(
                "previous_interaction_id",
                "it must name the interaction that the token came from",
            ));
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        Ok(answer::continued(&left.rest, limit, left.prompt_tokens))
    }

    /// Asks the model.
    fn ask(
        &self,
        call: &Call<'_>,
        fields: &Map<String, Value>,
        is_agent: bool,
        conversation: &[Value],
        draw: Draw,
    ) -> Result<Outcome, ApiError> {
        let own_system = read::text(fields, "system_instruction")?;
        let own_tools = read::list(fields, "tools")?;
        let (model, system, tools) = if is_agent {
            let name = read::required(fields, "agent")?;
            let agent = call.resources().agents.instructions(&call.owner(), name)?;
            if agent.is_slow && read::flag(fields, "background")? != Some(true) {
                let why = format!("the agent {name} works in the background only");
                return Err(read::invalid("background", &why));
            }
            let tools = if own_tools.is_empty() {
                agent.tools
            } else {
                own_tools.to_vec()
            };
            let config = read::object(fields, "agent_config")?;
            let config = config
                .map(|config| read::text(config, "model"))
                .transpose()?;
            let model = config.flatten().map(str::to_owned).or(agent.model);
            let system = own_system.map(str::to_owned).or(agent.system);
            (
                model.unwrap_or_else(|| AGENTS_MODEL.to_owned()),
                system,
                tools,
            )
        } else {
            let model = read::required(fields, "model")?;
            let model = model.strip_prefix("models/").unwrap_or(model);
            (
                model.to_owned(),
                own_system.map(str::to_owned),
                own_tools.to_vec(),
            )
        };
        let body = prompt::request(fields, conversation, system.as_deref(), &tools)?;
        let target = call.target.generating(&model);
        let inner = call.inner(&target, &body, call.now);
        let reply = generate::generate(&inner)?.to_json();
        let last = conversation
            .last()
            .map(std::slice::from_ref)
            .unwrap_or_default();
        let question = prompt::words(last);
        Ok(answer::outcome(&reply, &tools, &question, self.limit, draw))
    }

    /// Everything that was said before, the oldest first.
    fn conversation(
        &self,
        owner: &Scope,
        fields: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Vec<Value>, ApiError> {
        let mut turns = Vec::new();
        let mut previous = read::text(fields, "previous_interaction_id")?.map(str::to_owned);
        while let Some(id) = previous.filter(|id| !id.is_empty()) {
            let record = self.kept.get(owner, &id)?;
            if record.is_running(now) {
                return Err(ApiError::failed_precondition(format!(
                    "The interaction {id} is still running."
                )));
            }
            if turns.len() >= MOST_TURNS {
                return Err(read::invalid(
                    "previous_interaction_id",
                    "the conversation is too long",
                ));
            }
            previous = read::text(&record.request, "previous_interaction_id")?.map(str::to_owned);
            turns.push(record);
        }
        let steps = turns.into_iter().rev();
        Ok(steps
            .flat_map(|record| {
                // What was cancelled never said anything.
                let answer = record.cancelled.is_none().then_some(record.outcome.steps);
                record.said.into_iter().chain(answer.into_iter().flatten())
            })
            .collect())
    }

    /// `GET interactions/{id}`.
    pub(in crate::gemini) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let record = self.kept.get(&call.owner(), &call.target.resource)?;
        let value = |name: &str| {
            let pair = call.query.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str())
        };
        let last = value("last_event_id").filter(|last| !last.is_empty());
        if value("stream") == Some("true") {
            return events::reply(&record, last, call.now);
        }
        if last.is_some() {
            return Err(read::invalid("last_event_id", "it needs stream=true"));
        }
        let include = value("include_input") == Some("true");
        Ok(Reply::json(
            StatusCode::OK,
            &record.to_json(include, call.now),
        ))
    }

    /// `POST interactions/{id}/cancel`.
    pub(in crate::gemini) fn cancel(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let id = &call.target.resource;
        let shown = self.kept.change(&call.owner(), id, |record| {
            if !record.background {
                return Err(ApiError::failed_precondition(format!(
                    "The interaction {id} does not work in the background."
                )));
            }
            if record.is_running(call.now) {
                record.cancelled = Some(call.now);
            }
            Ok(record.to_json(false, call.now))
        })?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    /// `DELETE interactions/{id}`.
    pub(in crate::gemini) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.kept.remove(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// How an interaction stands.
    pub(in crate::gemini) fn status(
        &self,
        owner: &Scope,
        id: &str,
        now: SystemTime,
    ) -> Option<&'static str> {
        let record = self.kept.get(owner, id).ok()?;
        Some(record.status(now))
    }
}

/// Tells of the interactions that came to an end.
pub(crate) fn answered(gemini: &Gemini, now: SystemTime) {
    let resources = &gemini.resources;
    let ended = |record: &Record| !record.told && record.is_done(now);
    for (owner, id, record) in resources.interactions.kept.fitting(ended) {
        // Somebody may have deleted it in between, and then there is nothing to tell.
        let marked = resources.interactions.kept.change(&owner, &id, |record| {
            record.told = true;
            Ok(())
        });
        let event = match record.outcome.status {
            "failed" => "interaction.failed",
            "requires_action" => "interaction.requires_action",
            _ => "interaction.completed",
        };
        if marked.is_err() {
            continue;
        }
        let mut data = json!({ "id": id });
        let config = record.request.get("webhook_config");
        if let Some(metadata) = config.and_then(|config| config.get("user_metadata")) {
            data["user_metadata"] = metadata.clone();
        }
        let uris = config.and_then(|config| config["uris"].as_array());
        match uris.filter(|uris| !uris.is_empty()) {
            Some(uris) => {
                for uri in uris.iter().filter_map(Value::as_str) {
                    resources
                        .webhooks
                        .tell_address(uri, event, &data, record.due);
                }
            }
            None => resources.webhooks.tell(&owner, event, &data, record.due),
        }
    }
}

/// Whether an agent is asked; refuses what neither a model nor an agent takes.
fn check(fields: &Map<String, Value>) -> Result<bool, ApiError> {
    let is_agent = fields.contains_key("agent");
    if is_agent == fields.contains_key("model") {
        return Err(read::invalid(
            "model",
            "exactly one of model and agent is needed",
        ));
    }
    let own = if is_agent { OF_AGENTS } else { OF_MODELS };
    let known: Vec<&str> = SHARED.iter().chain(own).copied().collect();
    read::only(fields, &known, "")?;
    Ok(is_agent)
}

fn broken() -> Outcome {
    Outcome {
        status: "failed",
        usage: json!({"total_tokens": 0}),
        errors: vec![json!({"code": "internal", "message": "The work failed, as it was set to."})],
        ..Outcome::default()
    }
}
