//! `generateContent`: decodes a request, checks it, and works out the answer. The answer is a value
//! of its own, written out whole here and in pieces by `stream.rs`.

use std::{sync::Arc, time::SystemTime};

use serde_json::{Map, Value, json};

use crate::{
    engine::{
        answer::{self, Findings},
        calls::{self, Call as FunctionCall},
        index::ContextIndex,
        material::Material,
        schema::{self, Excess},
        tokenizer,
    },
    gemini::{
        caches::{CachedContent, format_time},
        config::{Form, GenerationConfig},
        content::{self, Content, Part},
        errors::ApiError,
        fields::{self, string},
        file_search,
        modalities::{Media, Medium},
        models::ModelCard,
        prompt::{self, Prompt},
        schemas::{self, Dialect},
        service::Call,
        tools,
        usage::{Tally, Usage},
    },
    route::{Backend, Route},
};

const MESSAGE: &str = "GenerateContentRequest";

const WITH_CACHE: &str = "CachedContent can not be used with GenerateContent request setting \
    system_instruction, tools or tool_config.\n\nProposed fix: move those values to CachedContent \
    from GenerateContent request.";

/// An answer, complete.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) backend: Backend,
    pub(crate) model: String,
    pub(crate) response_id: String,
    pub(crate) created: SystemTime,
    pub(crate) usage: Usage,
    /// Thoughts to be shown ahead of each candidate.
    pub(crate) thoughts: Option<String>,
    /// Empty when the prompt was blocked.
    pub(crate) candidates: Vec<Candidate>,
}

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) output: Output,
    pub(crate) finish: &'static str,
    /// What it rests on, when something was searched for it.
    pub(crate) grounding: Option<Value>,
}

#[derive(Debug)]
pub(crate) enum Output {
    Text(String),
    Call(FunctionCall),
    Media(Media),
}

/// A decoded request.
#[derive(Debug)]
struct Request<'a> {
    contents: Vec<Content<'a>>,
    system: Option<Content<'a>>,
    tools: Option<&'a Value>,
    tool_config: Option<&'a Value>,
    config: GenerationConfig<'a>,
    cached: Option<&'a str>,
}

/// Answers the call.
pub(crate) fn generate(call: &Call<'_>) -> Result<Generation, ApiError> {
    let method = match call.target.route {
        Route::LiveSession => "bidiGenerateContent",
        _ => "generateContent",
    };
    let model = call.model(method)?;
    let card = model.card;
    let request = Request::decode(call.body()?, call)?;
    let medium = Medium::decode(call.body()?, card)?;
    let cached = match request.cached {
        Some(name) => Some(request.check_cache(name, card, call)?),
        None => None,
    };
    let usage = request.usage(cached.as_deref(), call);
    check_size(usage.prompt, card)?;
    let mut generation = Generation {
        backend: call.target.backend,
        model: model.version(),
        response_id: call.response_id(),
        created: call.now,
        usage,
        thoughts: None,
        candidates: Vec::new(),
    };
    if request.is_blocked(call) {
        return Ok(generation);
    }

    let prompt = prompt::read(&request.contents);
    let inline = (!prompt.context.is_empty()).then(|| call.memory.index(&prompt.context));
    let tools = request.tools(cached.as_deref());
    let grounding = file_search::retrieve(tools, prompt.question, call)?;
    let retrieved = grounding.as_ref().map(|grounding| {
        let texts = grounding.texts();
        let tokens = texts.iter().map(|text| call.memory.count(text) as u64);
        generation.usage.tool_use = Some(tokens.sum());
        call.memory.index(&texts)
    });
    let contexts: Vec<&ContextIndex> = cached
        .iter()
        .map(|cached| &*cached.index)
        .chain(inline.as_deref())
        .chain(retrieved.as_deref())
        .collect();
    let findings = match model.learned(prompt.question) {
        Some(output) => answer::known(prompt.question, output),
        None => answer::find(prompt.question, &contexts),
    };
    if let Some(thinking) = request.config.thinking {
        let thoughts = findings.thoughts();
        let (kept, _) = tokenizer::truncate(&thoughts, thinking.budget.unwrap_or(usize::MAX));
        generation.usage.thoughts = Some(call.memory.count(kept) as u64);
        generation.thoughts = thinking.shown.then(|| kept.to_owned());
    }
    let function = request.function_call(&prompt, cached.as_deref())?;
    generation.candidates = (0..request.config.candidate_count)
        .map(|n| match medium.make(prompt.question, n) {
            Some(media) if function.is_none() => Ok(Candidate {
                output: Output::Media(media),
                finish: "STOP",
                grounding: None,
            }),
            _ => request.candidate(n, &prompt, &findings, function.as_ref(), card),
        })
        .collect::<Result<_, _>>()?;
    if let Some(grounding) = &grounding {
        for candidate in &mut generation.candidates {
            if let Output::Text(text) = &candidate.output {
                candidate.grounding = Some(grounding.to_json(text, &findings.passages));
            }
        }
    }
    let tokens = generation
        .candidates
        .iter()
        .map(|candidate| candidate.output.tokens());
    generation.usage.candidates = Some(tokens.sum());
    generation.usage.media = media_cost(&generation.candidates);
    Ok(generation)
}

/// The modality of the files in the candidates, and what they cost.
fn media_cost(candidates: &[Candidate]) -> Option<(&'static str, u64)> {
    let costs = candidates
        .iter()
        .filter_map(|candidate| match &candidate.output {
            Output::Media(media) => Some(media.cost()),
            _ => None,
        });
    costs.reduce(|(modality, sum), (_, tokens)| (modality, sum + tokens))
}

/// What `generateContent` would report for the same input: everything, and the cached share.
pub(crate) fn count(
    fields: &Map<String, Value>,
    call: &Call<'_>,
    card: &ModelCard,
) -> Result<Usage, ApiError> {
    let request = Request::decode(fields, call)?;
    let cached = match request.cached {
        Some(name) => Some(request.check_cache(name, card, call)?),
        None => None,
    };
    Ok(request.usage(cached.as_deref(), call))
}

impl<'a> Request<'a> {
    fn decode(fields: &'a Map<String, Value>, call: &Call<'_>) -> Result<Self, ApiError> {
        let backend = call.target.backend;
        fields::GENERATE_CONTENT_REQUEST.check(fields, "", backend)?;
        let present = |key: &str| fields.get(key).filter(|value| !value.is_null());
        let cached = string(fields, "cachedContent", "")?.filter(|name| !name.is_empty());
        if cached.is_some()
            && ["systemInstruction", "tools", "toolConfig"]
                .iter()
                .any(|key| present(key).is_some())
        {
            return Err(ApiError::invalid_argument(WITH_CACHE));
        }
        let mut contents = content::required(fields, MESSAGE, backend)?;
        let mut system = content::system_instruction(fields, MESSAGE, backend)?;
        content::resolve(contents.iter_mut().chain(&mut system), call)?;
        Ok(Self {
            contents,
            system,
            tools: present("tools"),
            tool_config: present("toolConfig"),
            config: GenerationConfig::decode(fields, MESSAGE, backend)?,
            cached,
        })
    }

    fn check_cache(
        &self,
        name: &str,
        card: &ModelCard,
        call: &Call<'_>,
    ) -> Result<Arc<CachedContent>, ApiError> {
        let cached = call.caches.named(name, call)?;
        if cached.model == card.name() {
            return Ok(cached);
        }
        let own = match call.target.backend {
            Backend::Developer => format!("models/{}", card.name()),
            Backend::Vertex => {
                let parent = call.target.parent.as_ref().map(|p| format!("{p}/"));
                format!(
                    "{}publishers/google/models/{}",
                    parent.unwrap_or_default(),
                    card.name()
                )
            }
        };
        Err(ApiError::invalid_argument(format!(
            "Model used by GenerateContent request ({own}) and CachedContent ({}) has to be the \
             same.",
            cached.model_name
        )))
    }

    fn usage(&self, cached: Option<&CachedContent>, call: &Call<'_>) -> Usage {
        let mut prompt = Tally::of_contents(&self.contents, call.memory);
        if let Some(system) = &self.system {
            prompt = prompt.plus(Tally::of_contents(
                std::slice::from_ref(system),
                call.memory,
            ));
        }
        prompt = prompt.plus(Tally::of_json(self.tools, call.memory));
        let cached = cached.map(|cached| cached.tally);
        Usage {
            prompt: prompt.plus(cached.unwrap_or_default()),
            cached,
            ..Usage::default()
        }
    }

    fn is_blocked(&self, call: &Call<'_>) -> bool {
        let parts = self.contents.iter().flat_map(|content| &content.parts);
        let mut texts = parts.filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        });
        !call.blocked_phrases.is_empty()
            && texts.any(|text| {
                call.blocked_phrases
                    .iter()
                    .any(|p| text.contains(p.as_str()))
            })
    }

    /// The tools of the request, or those that were cached.
    fn tools<'t>(&'t self, cached: Option<&'t CachedContent>) -> Option<&'t Value> {
        self.tools.or_else(|| cached?.tools.as_ref())
    }

    fn function_call(
        &self,
        prompt: &Prompt<'_>,
        cached: Option<&CachedContent>,
    ) -> Result<Option<FunctionCall>, ApiError> {
        let tools = self.tools(cached);
        let tool_config = self.tool_config.or_else(|| cached?.tool_config.as_ref());
        let functions = tools::functions(tools, MESSAGE)?;
        let (mode, functions) = tools::choice(tool_config, functions)?;
        // Results that have just arrived are told, even where a call is asked for every time;
        // otherwise an automatic loop would never end.
        if !prompt.responses.is_empty() {
            return Ok(None);
        }
        calls::decide(prompt.question, &functions, mode).map_err(|overlong| {
            let (at, dialect) = tools::parameters_of(tools, overlong.function);
            schemas::too_demanding(MESSAGE, &at, dialect, &overlong.excess)
        })
    }

    fn candidate(
        &self,
        n: usize,
        prompt: &Prompt<'_>,
        findings: &Findings,
        function: Option<&FunctionCall>,
        card: &ModelCard,
    ) -> Result<Candidate, ApiError> {
        if let Some(function) = function {
            return Ok(Candidate {
                output: Output::Call(function.clone()),
                finish: "STOP",
                grounding: None,
            });
        }
        let plain = if prompt.responses.is_empty() {
            findings.answer(n)
        } else {
            answer::vary(calls::report(&prompt.responses), n)
        };
        let material = || Material::from_findings(findings).rotated(n);
        let mut text = match self.config.form {
            Form::Text => plain,
            Form::Json(None) => json!({ "answer": plain }).to_string(),
            Form::Json(Some(schema)) => schema::generate_text(schema, material())
                .map_err(|excess| self.refuse_schema(&excess))?,
            Form::Choice(schema) => {
                let choices = schema::choices(schema).unwrap_or_default();
                let mut material = Material::from_findings(findings).with_fallback(prompt.question);
                material.choice(&choices).cloned().unwrap_or_default()
            }
        };
        let stops = self.config.stop_sequences.iter();
        if let Some(at) = stops.filter_map(|stop| text.find(stop)).min() {
            text.truncate(at);
        }
        let most = self.config.max_output_tokens.unwrap_or(usize::MAX);
        let most = most.min(usize::try_from(card.output_token_limit()).unwrap_or(usize::MAX));
        let (kept, cut) = tokenizer::truncate(&text, most);
        let finish = if cut { "MAX_TOKENS" } else { "STOP" };
        Ok(Candidate {
            output: Output::Text(kept.to_owned()),
            finish,
            grounding: None,
        })
    }

    fn refuse_schema(&self, excess: &Excess) -> ApiError {
        let at = match self.config.dialect {
            Dialect::Own => "generation_config.response_schema",
            Dialect::JsonSchema => "generation_config.response_json_schema",
        };
        schemas::too_demanding(MESSAGE, at, self.config.dialect, excess)
    }
}

fn check_size(prompt: Tally, card: &ModelCard) -> Result<(), ApiError> {
    let (total, most) = (prompt.total(), card.input_token_limit());
    if total <= most {
        return Ok(());
    }
    Err(ApiError::invalid_argument(format!(
        "The input token count ({total}) exceeds the maximum number of tokens allowed ({most})."
    )))
}

impl Output {
    pub(crate) fn tokens(&self) -> u64 {
        let count = match self {
            Self::Text(text) => tokenizer::count(text),
            Self::Call(call) => {
                tokenizer::count(&call.name) + tokenizer::count(&call.args.to_string())
            }
            Self::Media(media) => return media.tokens(),
        };
        count as u64
    }

    pub(crate) fn to_parts(&self) -> Vec<Value> {
        match self {
            Self::Text(text) if text.is_empty() => Vec::new(),
            Self::Text(text) => vec![json!({ "text": text })],
            Self::Call(call) => {
                vec![json!({ "functionCall": { "name": call.name, "args": call.args } })]
            }
            Self::Media(media) => media.to_parts(),
        }
    }
}

impl Candidate {
    /// The candidate with the last of its parts, or with all of them.
    pub(crate) fn finished_json(&self, index: usize, parts: Vec<Value>) -> Value {
        let mut json = candidate_json(index, parts, Some(self.finish));
        if let Some(grounding) = &self.grounding {
            json["groundingMetadata"] = grounding.clone();
        }
        json
    }
}

impl Generation {
    /// The text of the first candidate.
    pub(crate) fn text(&self) -> String {
        match self.candidates.first().map(|candidate| &candidate.output) {
            Some(Output::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// The whole answer as one body.
    pub(crate) fn to_json(&self) -> Value {
        let candidates = self
            .candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| {
                let thoughts = self.thoughts.iter().map(|text| thought(text));
                let parts = thoughts.chain(candidate.output.to_parts()).collect();
                candidate.finished_json(index, parts)
            });
        self.envelope(candidates.collect(), self.usage)
    }

    /// What surrounds candidates: usage, model and identifiers.
    pub(crate) fn envelope(&self, candidates: Vec<Value>, usage: Usage) -> Value {
        let mut body = Map::new();
        if self.candidates.is_empty() {
            body.insert("promptFeedback".into(), json!({ "blockReason": "SAFETY" }));
        } else {
            body.insert("candidates".into(), candidates.into());
        }
        let mut usage = usage.to_json();
        if self.backend == Backend::Vertex {
            usage.insert("trafficType".into(), "ON_DEMAND".into());
            let created = format_time(self.created);
            body.insert("createTime".into(), created.into());
        }
        body.insert("usageMetadata".into(), usage.into());
        body.insert("modelVersion".into(), self.model.clone().into());
        body.insert("responseId".into(), self.response_id.clone().into());
        Value::Object(body)
    }
}

pub(crate) fn thought(text: &str) -> Value {
    json!({ "text": text, "thought": true })
}

/// A candidate, or what a chunk says of it. An empty answer has a role and no parts.
pub(crate) fn candidate_json(index: usize, parts: Vec<Value>, finish: Option<&str>) -> Value {
    let mut content = json!({ "role": "model" });
    if !parts.is_empty() {
        content["parts"] = parts.into();
    }
    let mut candidate = json!({ "content": content, "index": index });
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    candidate
}
