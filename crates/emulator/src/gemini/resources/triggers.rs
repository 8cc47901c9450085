//! Triggers: interactions that start at set times. They start when the clock has passed their time
//! and a request comes in, in the order they became due.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        auth::Caller,
        caches::{Scope, format_time},
        errors::ApiError,
        resources::{
            cron::Schedule,
            read,
            shelf::{self, Shelf},
        },
        service::{Call, Gemini},
    },
    reply::Reply,
    rng::identifier,
    route::Target,
};

const FIELDS: &[&str] = &[
    "display_name",
    "environment_id",
    "execution_timeout_seconds",
    "interaction",
    "max_consecutive_failures",
    "schedule",
    "time_zone",
];
const FAMILY: u64 = 46;
const RUNS: u64 = 47;
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// So many runs are made up for when the clock leaps.
const MOST_MISSED: usize = 100;

#[derive(Clone, Debug)]
struct Trigger {
    id: String,
    fields: Map<String, Value>,
    schedule: Schedule,
    status: String,
    failures: i64,
    created: SystemTime,
    updated: SystemTime,
    last_run: Option<SystemTime>,
    next_run: Option<SystemTime>,
    paused: Option<SystemTime>,
    resumed: Option<SystemTime>,
    previous: Option<String>,
    /// How the caller that made it reached the service, to run it in the caller's name.
    caller: Caller,
    target: Target,
}

#[derive(Clone, Debug)]
struct Run {
    number: u64,
    id: String,
    trigger: String,
    scheduled: SystemTime,
    started: SystemTime,
    interaction: Result<String, String>,
    environment: Option<String>,
}

/// The triggers of an emulator.
#[derive(Debug)]
pub(crate) struct Triggers {
    shelf: Shelf<Trigger>,
    runs: Mutex<BTreeMap<(Scope, String), Vec<Run>>>,
}

impl Default for Triggers {
    fn default() -> Self {
        Self {
            shelf: Shelf::new("trigger"),
            runs: Mutex::default(),
        }
    }
}

impl Triggers {
    pub(super) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, FIELDS, "")?;
        let zone = read::required(fields, "time_zone")?;
        let schedule = Schedule::parse(read::required(fields, "schedule")?, zone)?;
        let Some(interaction) = read::object(fields, "interaction")? else {
            return Err(read::missing("interaction"));
        };
        let agent = read::required(interaction, "agent")?;
        call.resources().agents.instructions(&call.owner(), agent)?;
        let number = self.shelf.number();
        let trigger = Trigger {
            id: identifier(call.seed(), FAMILY, number, ALPHABET, 16),
            fields: fields.clone(),
            next_run: schedule.after(call.now),
            schedule,
            status: "active".to_owned(),
            failures: 0,
            created: call.now,
            updated: call.now,
            last_run: None,
            paused: None,
            resumed: None,
            previous: None,
            caller: call.caller.clone(),
            target: call.target.clone(),
        };
        let shown = trigger.to_json();
        self.shelf
            .insert(&call.owner(), &trigger.id.clone(), trigger)?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let trigger = self.shelf.get(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &trigger.to_json()))
    }

    pub(super) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let filter = call.query.iter().find(|(name, _)| name == "filter");
        // Of the filters of the service this one is understood: a status by its name.
        let wanted = filter.map(|(_, filter)| filter.to_ascii_lowercase());
        let all = self.shelf.all(&call.owner()).into_iter();
        let fitting = all.filter(|(_, trigger)| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.contains(&trigger.status))
        });
        let shown = fitting.map(|(number, trigger)| (number, trigger.to_json()));
        shelf::page(call, "triggers", shown.collect())
    }

    pub(super) fn update(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, &["display_name", "status"], "")?;
        let name = read::text(fields, "display_name")?;
        let status = read::text(fields, "status")?;
        if status.is_some_and(|status| !["active", "paused", "error"].contains(&status)) {
            return Err(read::invalid(
                "status",
                "it must be active, paused or error",
            ));
        }
        let shown = self
            .shelf
            .change(&call.owner(), &call.target.resource, |trigger| {
                if let Some(name) = name {
                    trigger
                        .fields
                        .insert("display_name".to_owned(), name.into());
                }
                if let Some(status) = status.filter(|status| *status != trigger.status) {
                    if status == "active" {
                        trigger.resumed = Some(call.now);
                        trigger.failures = 0;
                        trigger.next_run = trigger.schedule.after(call.now);
                    } else {
                        trigger.paused = Some(call.now);
                        trigger.next_run = None;
                    }
                    status.clone_into(&mut trigger.status);
                }
                trigger.updated = call.now;
                Ok(trigger.to_json())
            })?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    pub(super) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.shelf.remove(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    pub(super) fn run_now(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let owner = call.owner();
        let trigger = self.shelf.get(&owner, &call.target.resource)?;
        let run = self.run(call, &trigger, call.now);
        Ok(Reply::json(StatusCode::OK, &run.to_json(call, &owner)))
    }

    pub(super) fn list_runs(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let owner = call.owner();
        let trigger = self.shelf.get(&owner, &call.target.resource)?;
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = runs
            .get(&(owner.clone(), trigger.id))
            .cloned()
            .unwrap_or_default();
        let shown = runs
            .iter()
            .map(|run| (run.number, run.to_json(call, &owner)));
        shelf::page(call, "trigger_executions", shown.collect())
    }

    fn run(&self, call: &Call<'_>, trigger: &Trigger, scheduled: SystemTime) -> Run {
        let owner = call.owner();
        let none = Map::new();
        let interaction = trigger.fields.get("interaction").and_then(Value::as_object);
        let mut fields = interaction.unwrap_or(&none).clone();
        // What starts by itself works by itself.
        fields.insert("background".to_owned(), true.into());
        let environment = trigger.fields.get("environment_id").and_then(Value::as_str);
        let made = call
            .resources()
            .interactions
            .make(call, &fields, environment);
        let number = self.shelf.number();
        let (interaction, environment) = match made {
            Ok(record) => {
                let (id, environment) = record.names();
                (Ok(id), environment)
            }
            Err(error) => (Err(error.message().to_owned()), None),
        };
        let run = Run {
            number,
            id: identifier(call.seed(), RUNS, number, ALPHABET, 16),
            trigger: trigger.id.clone(),
            scheduled,
            started: call.now,
            interaction,
            environment,
        };
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let of_trigger = runs.entry((owner.clone(), trigger.id.clone())).or_default();
        of_trigger.push(run.clone());
        drop(runs);
        // It may be gone by now, which leaves nothing to note.
        let _ = self.shelf.change(&owner, &trigger.id, |trigger| {
            trigger.note(&run, call.now);
            Ok(())
        });
        run
    }
}

/// Starts what is due.
pub(super) fn start_due(gemini: &Gemini, now: SystemTime) {
    let triggers = &gemini.resources.triggers;
    for _ in 0..MOST_MISSED {
        let due = triggers.shelf.fitting(|trigger| {
            trigger.status == "active" && trigger.next_run.is_some_and(|at| at <= now)
        });
        let due = due
            .into_iter()
            .filter_map(|(owner, _, trigger)| Some((trigger.next_run?, owner, trigger)));
        let Some((at, owner, trigger)) = due.min_by_key(|(at, _, _)| *at) else {
            return;
        };
        let next = trigger.schedule.after(at);
        // It may be gone by now; the run is made all the same, as it was due before.
        let _ = triggers.shelf.change(&owner, &trigger.id, |trigger| {
            trigger.next_run = next;
            Ok(())
        });
        let call = gemini.call(&trigger.target, &trigger.caller, None, at);
        triggers.run(&call, &trigger, at);
    }
}

impl Trigger {
    fn note(&mut self, run: &Run, now: SystemTime) {
        self.last_run = Some(now);
        match &run.interaction {
            Ok(id) => {
                self.previous = Some(id.clone());
                self.failures = 0;
            }
            Err(_) => {
                self.failures += 1;
                let most = self.fields.get("max_consecutive_failures");
                if most
                    .and_then(Value::as_i64)
                    .is_some_and(|most| self.failures >= most)
                {
                    "error".clone_into(&mut self.status);
                    self.next_run = None;
                }
            }
        }
    }

    fn to_json(&self) -> Value {
        let mut shown = Value::from(self.fields.clone());
        shown["id"] = self.id.as_str().into();
        shown["status"] = self.status.as_str().into();
        shown["consecutive_failure_count"] = self.failures.into();
        for (name, time) in [
            ("create_time", Some(self.created)),
            ("update_time", Some(self.updated)),
            ("last_run_time", self.last_run),
            ("next_run_time", self.next_run),
            ("last_pause_time", self.paused),
            ("last_resume_time", self.resumed),
        ] {
            if let Some(time) = time {
                shown[name] = format_time(time).into();
            }
        }
        if let Some(previous) = &self.previous {
            shown["previous_interaction_id"] = previous.as_str().into();
        }
        shown
    }
}

impl Run {
    fn to_json(&self, call: &Call<'_>, owner: &Scope) -> Value {
        let takes: Duration = call.operation_time();
        let mut shown = json!({
            "id": self.id,
            "trigger_id": self.trigger,
            "scheduled_time": format_time(self.scheduled),
            "start_time": format_time(self.started),
        });
        let status = match &self.interaction {
            Err(why) => {
                shown["error"] = why.as_str().into();
                "failed"
            }
            Ok(id) => {
                shown["interaction_id"] = id.as_str().into();
                let interactions = &call.resources().interactions;
                match interactions.status(owner, id, call.now) {
                    Some("queued" | "in_progress") => "in_progress",
                    Some("failed" | "cancelled") => "failed",
                    _ => "completed",
                }
            }
        };
        if status != "in_progress" {
            let end = (self.started + takes).min(call.now).max(self.started);
            shown["end_time"] = format_time(end).into();
        }
        shown["status"] = status.into();
        if let Some(environment) = &self.environment {
            shown["environment_id"] = environment.as_str().into();
        }
        shown
    }
}
