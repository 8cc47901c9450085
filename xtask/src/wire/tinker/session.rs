//! The clients of one session, on one stage. What a call needs and its record takes for granted (an
//! open session, a model, earlier requests) is brought about first, out of sight.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gimmal_client::tinker::{
    AdminClient, LossHandle, RestClient, SamplerOptions, SamplingClient, ServiceClient,
    ServiceClientBuilder, TrainingClient,
};
use gimmal_client::transport::{Jitter, ThreadRngJitter};
use gimmal_types::tinker::{AdamParams, ModelInput, SamplingParams};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::canned::Canned;
use super::record::{Call, Client};
use super::service;
use super::stage::Stage;
use crate::wire::arguments::{Arguments, decode};
use crate::wire::failure::Failure;

/// Where the reference found its server; the records do not say which port it had.
pub(super) const SERVER: &str = "http://127.0.0.1:1";
/// What clients are called that a record takes for granted.
const MODEL: &str = "model";
/// Numbers of the requests of a clone start at its own multiple of this.
const CLONE_STRIDE: u64 = 1_000_000_000;

/// Sampling session and clone.
type Sampler = (String, u64);

/// Clients, and the server that they all talk to.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) stage: Stage,
    pub(super) service: ServiceClient,
    pub(super) rest: RestClient,
    pub(super) admin: AdminClient,
    pub(super) losses: BTreeMap<String, LossHandle>,
    builder: BuilderSeed,
    training: BTreeMap<String, TrainingClient>,
    sampling: BTreeMap<Sampler, SamplingClient>,
    latest_model: Option<String>,
    latest_sampler: Option<Sampler>,
}

/// What another client of the same kind is built from.
#[derive(Debug)]
struct BuilderSeed {
    key: String,
    dice: Dice,
}

/// Chance, unless a record says what came of it.
#[derive(Clone, Debug, Default)]
struct Dice(Arc<Mutex<Option<f64>>>);

impl Jitter for Dice {
    fn fraction(&self) -> f64 {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.unwrap_or_else(|| ThreadRngJitter.fraction())
    }
}

impl Session {
    /// Clients as the record describes them. Nothing is sent.
    pub(super) fn new(client: &Client) -> Result<Self, Failure> {
        let canned = Canned::new(
            &client.session,
            client.config.clone(),
            client.dynamic.clone(),
        );
        let stage = Stage::new(canned);
        let mut given = client.given.clone();
        let key: Option<String> = member(&mut given, "api_key")?;
        let seed = BuilderSeed {
            key: key.unwrap_or_else(|| "tml-test-key".to_owned()),
            dice: Dice::default(),
        };
        let mut builder = seed.builder(&stage).with_tags(client.tags.clone());
        if let Some(project) = member::<String>(&mut given, "project_id")? {
            builder = builder.with_project_id(project);
        }
        if let Some(name) = member::<String>(&mut given, "display_name")? {
            builder = builder.with_display_name(name);
        }
        if let Some(metadata) = member(&mut given, "user_metadata")? {
            builder = builder.with_user_metadata(metadata);
        }
        if let Some(url) = member::<String>(&mut given, "base_url")? {
            builder = builder.with_base_url(url);
        }
        let own: Option<BTreeMap<String, String>> =
            member(&mut given, "default_headers_overrides")?;
        let own = own.unwrap_or_default().into_iter();
        for (name, value) in own.chain(client.headers.iter().cloned()) {
            let wrong = |_| Failure::refused("default_headers_overrides", "must hold headers");
            let header: HeaderName = name.parse().map_err(|_| wrong(()))?;
            let value = HeaderValue::from_str(&value).map_err(|_| wrong(()))?;
            builder = builder.with_header(header, value);
        }
        if let Some((name, _)) = given.into_iter().next() {
            let field = format!("client.{name}");
            return Err(Failure::refused(field, "is no argument of the client"));
        }
        let service = builder.build()?;
        Ok(Self {
            rest: service.create_rest_client(),
            admin: service.create_admin_client(),
            service,
            stage,
            builder: seed,
            losses: BTreeMap::new(),
            training: BTreeMap::new(),
            sampling: BTreeMap::new(),
            latest_model: None,
            latest_sampler: None,
        })
    }

    /// The key that requests carry.
    pub(super) fn key(&self) -> &str {
        &self.builder.key
    }

    /// Brings about what the call takes for granted. In a new session that includes the requests
    /// before it, as far as its recorded numbers tell of them.
    pub(super) async fn prepare(&mut self, call: &Call, is_new: bool) -> Result<(), Failure> {
        let class = call.method.split_once('.').map_or("", |(class, _)| class);
        let opens = call.recorded("client/config").next().is_some();
        match class {
            // An endpoint needs no client.
            "" => {}
            _ if !is_new => {}
            // Without a record to go by, the opening of the session is part of the call.
            "ServiceClient" if opens || call.exchanges.is_empty() && !is_later(call) => {}
            "RestClient" | "AdminClient" if opens => {}
            "RestClient" => drop(self.rest.get_server_capabilities().await),
            "AdminClient" => drop(self.admin.get_audit_log(&Default::default()).await),
            _ => {
                self.service.session_id().await?;
            }
        }
        let copies = call.method == "ServiceClient.copy_weights";
        if is_new && copies && !opens && !call.exchanges.is_empty() {
            drop(self.rest.get_server_capabilities().await);
        }
        match class {
            "ServiceClient" if is_new => self.catch_up_service(call).await,
            "TrainingClient" => {
                self.model_of(call).await?;
                match is_new {
                    true => self.catch_up_training(call).await,
                    false => Ok(()),
                }
            }
            "SamplingClient" => {
                let numbers = self.sampler_of(call).await?;
                match is_new {
                    true => self.catch_up_sampling(numbers).await,
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Models and samplers that were made before those of this call.
    async fn catch_up_service(&mut self, call: &Call) -> Result<(), Failure> {
        let made = call
            .recorded("create_model")
            .chain(call.recorded("load_weights"));
        for _ in 0..earlier(number(made, "model_seq_id"))? {
            self.make_model().await?;
        }
        let made = call.recorded("create_sampling_session");
        for _ in 0..earlier(number(made, "sampling_session_seq_id"))? {
            self.make_sampler(false).await?;
        }
        Ok(())
    }

    /// The model of a call is there.
    async fn model_of(&mut self, call: &Call) -> Result<(), Failure> {
        let recorded = bodies(call).find_map(|body| text(&body, "model_id"));
        let wanted = recorded.or_else(|| self.latest_model.clone());
        let wanted = wanted.unwrap_or_else(|| format!("{}:train:0", call.client.session));
        for _ in 0..=earlier(last_number(&wanted))? {
            if !self.training.contains_key(&wanted) {
                self.make_model().await?;
            }
        }
        self.latest_model = Some(wanted);
        Ok(())
    }

    async fn catch_up_training(&mut self, call: &Call) -> Result<(), Failure> {
        let first = bodies(call)
            .filter_map(|body| body["seq_id"].as_u64())
            .min();
        for _ in 1..=earlier(first.map(|first| first.saturating_sub(1)))? {
            self.model()?.optim_step(AdamParams::new()).await?;
        }
        let loss = call
            .arguments
            .get("loss_fn")
            .and_then(|loss| loss.get("$handle"));
        if let Some(loss) = loss {
            let loss = json!({"$fn": loss});
            let arguments = json!({"loss": loss, "input_ranks": {"logprobs": 1, "weights": 1}});
            let mut given = Arguments::new(arguments.as_object().cloned().unwrap_or_default());
            service::make(self, "create_custom_loss", &mut given).await?;
        }
        let samplers = call.recorded("save_weights_for_sampler");
        for _ in 0..earlier(number(samplers, "sampling_session_seq_id"))? {
            self.make_sampler(false).await?;
        }
        Ok(())
    }

    /// The sampler of a call is there; how many samples it took before.
    async fn sampler_of(&mut self, call: &Call) -> Result<u64, Failure> {
        let recorded = call.recorded("asample").next().unwrap_or_default();
        let seq_id = recorded["seq_id"].as_u64();
        let session = text(&recorded, "sampling_session_id");
        let session = session.or_else(|| Some(self.latest_sampler.as_ref()?.0.clone()));
        let session = session.unwrap_or_else(|| format!("{}:sample:0", call.client.session));
        let original = (session.clone(), 0);
        let records = recorded["record_stability_info"].as_bool().unwrap_or(false);
        for _ in 0..=earlier(last_number(&session))? {
            if !self.sampling.contains_key(&original) {
                self.make_sampler(records).await?;
            }
        }
        let unknown = || Failure::refused("sampling_session_id", "is none of this session");
        let clone = seq_id.unwrap_or(0) / CLONE_STRIDE;
        let wanted = (session, clone);
        if !self.sampling.contains_key(&wanted) {
            let original = self.sampling.get(&original).ok_or_else(unknown)?;
            let handle = original.get_sampler_handle();
            #[expect(clippy::cast_precision_loss, reason = "numbers of clones are small")]
            self.builder
                .fix(Some((clone as f64 - 0.5) / CLONE_STRIDE as f64));
            self.stage.join_as(clone);
            let made = self.another_sampler(&handle)?;
            self.builder.fix(None);
            self.sampling.insert(wanted.clone(), made);
        }
        self.latest_sampler = Some(wanted);
        earlier(seq_id.map(|seq_id| seq_id % CLONE_STRIDE))
    }

    /// The sampling client that a handle names.
    pub(super) fn another_sampler(&self, handle: &str) -> Result<SamplingClient, Failure> {
        let builder = self.builder.builder(&self.stage);
        Ok(SamplingClient::from_sampler_handle(handle, builder)?)
    }

    async fn catch_up_sampling(&mut self, earlier: u64) -> Result<(), Failure> {
        for _ in 0..earlier {
            let params = SamplingParams::new().set_max_tokens(1_u32);
            self.sampler()?
                .sample(ModelInput::from_ints([1]), 1, params)
                .await?;
        }
        Ok(())
    }

    async fn make_model(&mut self) -> Result<String, Failure> {
        let made = self.service.create_lora_training_client(MODEL).await?;
        Ok(self.keep_model(made))
    }

    async fn make_sampler(&mut self, records: bool) -> Result<String, Failure> {
        let options = SamplerOptions::default().with_stability_info(records);
        let build = self.service.create_sampling_client().set_base_model(MODEL);
        let made = build.with_options(options).await?;
        Ok(self.keep_sampler(made))
    }

    /// Keeps a client that was made, for the calls to come.
    pub(super) fn keep_model(&mut self, made: TrainingClient) -> String {
        let id = made.model_id().to_owned();
        self.training.insert(id.clone(), made);
        self.latest_model = Some(id.clone());
        id
    }

    /// As [`Session::keep_model`].
    pub(super) fn keep_sampler(&mut self, made: SamplingClient) -> String {
        let id = made.sampling_session_id().to_owned();
        self.sampling.insert((id.clone(), 0), made);
        self.latest_sampler = Some((id.clone(), 0));
        id
    }

    /// The training client of the call that was prepared for.
    pub(super) fn model(&self) -> Result<&TrainingClient, Failure> {
        let model = self
            .latest_model
            .as_ref()
            .and_then(|id| self.training.get(id));
        model.ok_or_else(|| Failure::refused("model_id", "is no model of this session"))
    }

    /// The sampling client of the call that was prepared for.
    pub(super) fn sampler(&self) -> Result<&SamplingClient, Failure> {
        let sampler = self
            .latest_sampler
            .as_ref()
            .and_then(|id| self.sampling.get(id));
        sampler.ok_or_else(|| Failure::refused("sampling_session_id", "is none of this session"))
    }
}

impl BuilderSeed {
    fn builder(&self, stage: &Stage) -> ServiceClientBuilder {
        ServiceClient::builder()
            .with_api_key(self.key.clone())
            .with_base_url(SERVER)
            .with_http(Arc::new(stage.clone()))
            .with_jitter(Arc::new(self.dice.clone()))
    }

    /// Says what chance comes to, or leaves it alone again.
    fn fix(&self, fraction: Option<f64>) {
        *self.dice.0.lock().unwrap_or_else(PoisonError::into_inner) = fraction;
    }
}

/// Whether the call is not the first of its session.
fn is_later(call: &Call) -> bool {
    call.place.as_ref().is_some_and(|(_, n)| *n > 1)
}

/// How much happened before; more than anybody records is a mistake.
fn earlier(count: Option<u64>) -> Result<u64, Failure> {
    match count {
        Some(count @ 10_001..) => {
            let why = format!("asks for {count} earlier requests; 10000 are the most");
            Err(Failure::refused("exchanges", why))
        }
        count => Ok(count.unwrap_or(0)),
    }
}

/// The number at the end of an identifier.
fn last_number(id: &str) -> Option<u64> {
    id.rsplit(':').next()?.parse().ok()
}

/// The contents of all recorded requests.
fn bodies(call: &Call) -> impl Iterator<Item = Value> {
    let contents = call.exchanges.iter();
    contents.map(|exchange| super::stage::content_of(&exchange["request"]["body"]))
}

fn text(body: &Value, name: &str) -> Option<String> {
    Some(body[name].as_str()?.to_owned())
}

fn number(mut bodies: impl Iterator<Item = Value>, name: &str) -> Option<u64> {
    bodies.find_map(|body| body[name].as_u64())
}

fn member<T: serde::de::DeserializeOwned>(
    given: &mut serde_json::Map<String, Value>,
    name: &str,
) -> Result<Option<T>, Failure> {
    let value = given.remove(name).filter(|value| !value.is_null());
    value
        .map(|value| decode(&format!("client.{name}"), value))
        .transpose()
}
