//! A Live session: what was said so far, what is being said, and who may interrupt whom. Reads and
//! writes messages; it knows nothing of frames.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, SystemTime},
};

use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    clock::Sleep,
    gemini::{auth::Caller, content, usage::Usage},
    live::{
        admission::Admitted,
        close::Close,
        hearing::{self, Hearing, Noticed},
        input::{self, Input},
        sessions::{Sessions, Snapshot},
        setup::Setup,
        speech,
        turn::{self, Said, Turn},
        wire::Wire,
    },
    route::{Backend, Target},
};

/// Holds a session with whoever is at the other end, from the setup to the end.
pub(super) async fn run(app: &App, parts: &Parts, target: Target, wire: &mut Wire) -> Close {
    let admitted = Admitted::check(app, parts, &target);
    let first = match wire.receive().await {
        Ok(first) => first,
        Err(close) => return close,
    };
    // The service lets everybody connect and speak first.
    let session = admitted
        .map_err(Close::from)
        .and_then(|admitted| Session::begin(app, target, &admitted, &first));
    let mut session = match session {
        Ok(session) => session,
        Err(close) => return close,
    };
    wire.send(&session.greeting()).await;
    let close = session.hold(wire).await;
    app.gemini.live.release(&session.name);
    close
}

/// One session, as long as its connection is open.
struct Session<'a> {
    app: &'a App,
    /// Its resource is the model.
    target: Target,
    caller: Caller,
    owner: Option<String>,
    name: String,
    setup: Setup,
    /// When the connection ends at the latest.
    ends: SystemTime,
    /// The conversation so far, as contents.
    history: Vec<Value>,
    hearing: Hearing,
    /// What is to be said before anything else.
    urgent: VecDeque<Value>,
    /// What is left to say in this turn.
    saying: VecDeque<Said>,
    /// What one message of this turn takes.
    pause: Duration,
    /// What was said in this turn, and what it took; none when it is the user's turn.
    turn: Option<(String, Usage)>,
    /// Functions that were called and have not answered, by identifier.
    calls: BTreeMap<String, String>,
    results: Vec<Value>,
    /// Calls that were taken back, whose answers do not matter.
    withdrawn: BTreeSet<String>,
    /// Contents that wait for the end of a turn that may not be interrupted.
    waiting: Vec<Value>,
    consumed: u64,
}

impl<'a> Session<'a> {
    fn begin(
        app: &'a App,
        mut target: Target,
        admitted: &Admitted,
        first: &Map<String, Value>,
    ) -> Result<Self, Close> {
        let now = app.clock.now();
        let Some(asked) = first.get("setup").and_then(Value::as_object) else {
            return Err(Close::invalid(
                "setup must be the first message and only the first",
            ));
        };
        let mut ends = now + app.gemini.live.limit();
        let asks_for = |setup: &Map<String, Value>| {
            let handle = setup.get("sessionResumption")?.get("handle")?.as_str()?;
            (!handle.is_empty()).then(|| handle.to_owned())
        };
        let (fields, owner) = match &admitted.token {
            None => (
                asked.clone(),
                admitted.caller.fingerprint().map(str::to_owned),
            ),
            Some(token) => {
                let tokens = &app.gemini.auth_tokens;
                let opened = if asks_for(asked).is_some() {
                    tokens.resume(token, now)?
                } else {
                    tokens.open(token, now)?
                };
                ends = ends.min(opened.expires);
                let mut fields = opened.grant.setup(asked);
                // A token that says nothing of it leaves going on to its user.
                if let Some(resumption) = asked.get("sessionResumption") {
                    fields
                        .entry("sessionResumption")
                        .or_insert_with(|| resumption.clone());
                }
                (fields, Some(token.clone()))
            }
        };
        let setup = Setup::read(&fields, &mut target)?;
        app.gemini
            .catalogue
            .find(&target.resource, &target, "bidiGenerateContent")?;
        let live = &app.gemini.live;
        let (name, history) = match &setup.handle {
            Some(handle) => {
                let snapshot = live.resume(handle, owner.as_deref(), now)?;
                (snapshot.session, snapshot.history)
            }
            None => {
                let name = app.gemini.identifier(22);
                live.open(&name);
                (name, Vec::new())
            }
        };
        Ok(Self {
            app,
            target,
            caller: admitted.caller.clone(),
            owner,
            name,
            setup,
            ends,
            history,
            hearing: Hearing::default(),
            urgent: VecDeque::new(),
            saying: VecDeque::new(),
            pause: Duration::ZERO,
            turn: None,
            calls: BTreeMap::new(),
            results: Vec::new(),
            withdrawn: BTreeSet::new(),
            waiting: Vec::new(),
            consumed: 0,
        })
    }

    fn greeting(&self) -> Value {
        match self.target.backend {
            Backend::Developer => json!({ "setupComplete": {} }),
            Backend::Vertex => json!({ "setupComplete": { "sessionId": self.name } }),
        }
    }

    /// Listens and speaks until one side ends it.
    async fn hold(&mut self, wire: &mut Wire) -> Close {
        let clock = &self.app.clock;
        let limit = self.ends.duration_since(clock.now()).unwrap_or_default();
        let notice = Sessions::notice(limit);
        let mut end = clock.sleep(limit);
        let mut farewell = Some(clock.sleep(limit.saturating_sub(notice)));
        let mut due: Option<Sleep> = None;
        loop {
            while let Some(message) = self.urgent.pop_front() {
                wire.send(&message).await;
            }
            if self.saying.is_empty() {
                due = None;
            } else if due.is_none() {
                due = Some(match self.pause {
                    Duration::ZERO => Box::pin(std::future::ready(())),
                    pause => clock.sleep(pause),
                });
            }
            tokio::select! {
                biased;
                () = self.app.stopping.cancelled() => return Close::stopping(),
                message = wire.receive() => {
                    let heard = match message {
                        Ok(message) => self.hear(&message),
                        Err(close) => return close,
                    };
                    if let Err(close) = heard {
                        return close;
                    }
                }
                () = wait(&mut farewell) => {
                    farewell = None;
                    let left = format!("{}s", notice.as_secs_f64());
                    wire.send(&json!({ "goAway": { "timeLeft": left } })).await;
                }
                () = &mut end => return Close::over(),
                () = wait(&mut due) => {
                    due = None;
                    if let Some(said) = self.saying.pop_front() {
                        wire.send(&said.message).await;
                        if let Err(close) = self.said(said.words) {
                            return close;
                        }
                    }
                }
            }
        }
    }

    fn hear(&mut self, message: &Map<String, Value>) -> Result<(), Close> {
        self.consumed += 1;
        for input in input::decode(message, self.target.backend)? {
            self.take(input)?;
        }
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), Close> {
        let detection = self.setup.detection;
        match input {
            Input::Nothing => Ok(()),
            Input::Content { turns, complete } => self.content(turns, complete),
            Input::Text(text) => {
                let mut parts: Vec<Value> = self.hearing.take_picture().into_iter().collect();
                parts.push(json!({ "text": text }));
                self.user_says(parts)
            }
            Input::Picture(picture) => {
                self.hearing.see(hearing::part(&picture));
                Ok(())
            }
            Input::Sound(blob) => {
                let mime = blob["mimeType"].as_str().unwrap_or_default();
                let bytes = content::decode_base64(blob["data"].as_str().unwrap_or_default());
                let sound = speech::listen(mime, &bytes.unwrap_or_default());
                match self.hearing.sound(sound, detection) {
                    Noticed::Nothing => Ok(()),
                    Noticed::Beginning => {
                        self.begins();
                        Ok(())
                    }
                    Noticed::End => self.ends_speaking(),
                }
            }
            Input::SoundEnds if detection.automatic && self.hearing.has_heard() => {
                self.ends_speaking()
            }
            Input::SoundEnds => Ok(()),
            Input::Begins | Input::Ends if detection.automatic => Err(Close::invalid(
                "Explicit activity control is not supported when automatic activity detection is \
                 enabled.",
            )),
            Input::Begins => {
                self.hearing.begin();
                self.begins();
                Ok(())
            }
            Input::Ends if self.hearing.has_heard() => self.ends_speaking(),
            Input::Ends => Ok(()),
            Input::Answers(answers) => self.answers(answers),
            Input::Update { system, tools } => {
                self.setup.system = system.or(self.setup.system.take());
                self.setup.tools = tools.or(self.setup.tools.take());
                Ok(())
            }
        }
    }

    fn content(&mut self, turns: Vec<Value>, complete: bool) -> Result<(), Close> {
        self.interrupt();
        self.history.extend(turns);
        if !complete {
            return Ok(());
        }
        if std::mem::take(&mut self.setup.history_first) {
            return Ok(());
        }
        if self.history.is_empty() {
            return Err(Close::invalid("Request contains an invalid argument."));
        }
        self.answer()
    }

    /// The user begins to speak.
    fn begins(&mut self) {
        if self.setup.signals {
            self.signal("VAD_SIGNAL_TYPE_SOS");
        }
        if self.setup.detection.interrupts {
            self.interrupt();
        }
    }

    /// The user has spoken.
    fn ends_speaking(&mut self) -> Result<(), Close> {
        if self.setup.signals {
            self.signal("VAD_SIGNAL_TYPE_EOS");
        }
        let (words, picture) = self.hearing.take();
        if self.setup.writes_input {
            let transcription = json!({ "text": words, "finished": true });
            let content = json!({ "inputTranscription": transcription });
            self.urgent.push_back(json!({ "serverContent": content }));
        }
        let mut parts: Vec<Value> = picture.into_iter().collect();
        parts.push(json!({ "text": words }));
        self.user_says(parts)
    }

    fn signal(&mut self, kind: &str) {
        let signal = json!({ "vadSignalType": kind });
        self.urgent
            .push_back(json!({ "voiceActivityDetectionSignal": signal }));
    }

    /// What the user says in real time is answered, now or when the model has ended.
    fn user_says(&mut self, parts: Vec<Value>) -> Result<(), Close> {
        let content = json!({ "role": "user", "parts": parts });
        if self.turn.is_some() && !self.setup.detection.interrupts {
            self.waiting.push(content);
            return Ok(());
        }
        self.interrupt();
        self.history.push(content);
        self.answer()
    }

    /// Ends the model's turn, if it is the model's.
    fn interrupt(&mut self) {
        let Some((words, usage)) = self.turn.take() else {
            return;
        };
        self.saying.clear();
        self.results.clear();
        let ids: Vec<String> = std::mem::take(&mut self.calls).into_keys().collect();
        if !ids.is_empty() {
            self.urgent
                .push_back(json!({ "toolCallCancellation": { "ids": ids } }));
            self.withdrawn.extend(ids);
        }
        self.urgent
            .push_back(json!({ "serverContent": { "interrupted": true } }));
        self.end_turn(&words, usage);
    }

    /// Works out what the model says, and begins to say it.
    fn answer(&mut self) -> Result<(), Close> {
        let mut body = json!({
            "contents": self.history,
            "generationConfig": self.setup.generation,
        });
        for (name, value) in [
            ("systemInstruction", &self.setup.system),
            ("tools", &self.setup.tools),
        ] {
            if let Some(value) = value {
                body[name] = value.clone();
            }
        }
        let now = self.app.clock.now();
        let service = &self.app.gemini;
        let generation = service.live_turn(&self.target, &self.caller, &body, now)?;
        let turn = Turn::new(generation, &self.setup);
        self.saying = turn.messages;
        if let Some(call) = turn.call {
            let id = format!("function-call-{}", service.identifier(16));
            let call = json!({ "id": id, "name": call.name, "args": call.args });
            self.calls
                .insert(id, call["name"].as_str().unwrap_or_default().to_owned());
            self.saying.push_back(Said {
                message: json!({ "toolCall": { "functionCalls": [call] } }),
                words: None,
            });
            let mut part = call;
            // Identifiers mean nothing to whoever works out the answer.
            if let Some(part) = part.as_object_mut() {
                part.remove("id");
            }
            let content = json!({ "role": "model", "parts": [{ "functionCall": part }] });
            self.history.push(content);
        }
        let count = u32::try_from(self.saying.len()).unwrap_or(u32::MAX);
        self.pause = self.app.latency / count.max(1);
        self.turn = Some((String::new(), turn.usage));
        Ok(())
    }

    /// A message of the turn has been sent.
    fn said(&mut self, words: Option<String>) -> Result<(), Close> {
        if let (Some((said, _)), Some(words)) = (&mut self.turn, words) {
            said.push_str(&words);
        }
        if !self.saying.is_empty() || !self.calls.is_empty() {
            return Ok(());
        }
        if let Some((words, usage)) = self.turn.take() {
            self.end_turn(&words, usage);
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.history.append(&mut self.waiting);
        self.answer()
    }

    /// The model has said these words, all it had to say or not.
    fn end_turn(&mut self, words: &str, usage: Usage) {
        if !words.is_empty() {
            let content = json!({ "role": "model", "parts": [{ "text": words }] });
            self.history.push(content);
        }
        let backend = self.target.backend;
        let complete = turn::complete(words, usage, self.setup.form, backend);
        self.urgent.push_back(complete);
        if self.setup.resumes {
            let update = self.keep();
            self.urgent
                .push_back(json!({ "sessionResumptionUpdate": update }));
        }
    }

    /// Keeps the session as it is, and describes how to go on with it.
    fn keep(&self) -> Value {
        let service = &self.app.gemini;
        let handle = service.identifier(64);
        let now = self.app.clock.now();
        let snapshot = Snapshot {
            session: self.name.clone(),
            owner: self.owner.clone(),
            history: self.history.clone(),
            expires: now + Sessions::handle_lifetime(self.target.backend),
        };
        service.live.keep(handle.clone(), snapshot, now);
        let mut update = json!({ "newHandle": handle, "resumable": true });
        if self.setup.transparent {
            update["lastConsumedClientMessageIndex"] = self.consumed.to_string().into();
        }
        update
    }

    /// Takes the results of functions, and goes on when all are there.
    fn answers(&mut self, answers: Vec<Value>) -> Result<(), Close> {
        for mut answer in answers {
            let fields = answer.as_object_mut();
            let id = fields.and_then(|fields| fields.remove("id"));
            let id = id.as_ref().and_then(Value::as_str).unwrap_or_default();
            let by_name = |name: &str| {
                let mut calls = self.calls.iter();
                calls
                    .find(|(_, have)| *have == name)
                    .map(|(id, _)| id.clone())
            };
            let id = if id.is_empty() {
                by_name(answer["name"].as_str().unwrap_or_default()).unwrap_or_default()
            } else {
                id.to_owned()
            };
            match self.calls.remove(&id) {
                Some(name) => {
                    answer["name"] = name.into();
                    self.results.push(json!({ "functionResponse": answer }));
                }
                None if self.withdrawn.contains(&id) => {}
                None => {
                    return Err(Close::invalid("Request contains an invalid argument."));
                }
            }
        }
        if self.results.is_empty() || !self.calls.is_empty() {
            return Ok(());
        }
        let results = std::mem::take(&mut self.results);
        self.history
            .push(json!({ "role": "user", "parts": results }));
        self.answer()
    }
}

/// Ready when the sleep is over; never without one.
async fn wait(sleep: &mut Option<Sleep>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}
