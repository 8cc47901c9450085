//! All operations of an emulator. Work is finished when the clock has passed its time and a request
//! comes in, in the order it became due and before that request is answered; nothing runs by itself.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    gemini::{
        caches::Scope,
        errors::ApiError,
        operations::{
            OperationSettings, Work,
            work::{Finish, Operation, Standing},
        },
        service::Gemini,
    },
    rng::identifier,
};

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// The family of identifiers that those of operations are drawn from.
const FAMILY: u64 = 6;

/// The operations of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    settings: OperationSettings,
    seed: u64,
    state: Mutex<State>,
    /// Held while due work is finished, so that no request sees half of it.
    settling: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// By owner and name.
    operations: BTreeMap<(Scope, String), Operation>,
    /// The operations and the names made so far.
    made: u64,
    named: u64,
}

impl Operations {
    pub(crate) fn new(settings: OperationSettings, seed: u64) -> Self {
        Self {
            settings,
            seed,
            ..Self::default()
        }
    }

    pub(crate) fn settings(&self) -> &OperationSettings {
        &self.settings
    }

    /// The last part of a name that no other operation has.
    pub(crate) fn new_id(&self) -> String {
        let mut state = self.lock();
        state.named += 1;
        identifier(self.seed, FAMILY, state.named, ALPHABET, 12)
    }

    /// The end of work that is about something that is set to fail.
    pub(crate) fn doom(&self, about: &str) -> Option<ApiError> {
        self.settings.fails(about).then(failure)
    }

    /// Begins work, and describes it.
    pub(crate) fn begin(&self, work: Work, now: SystemTime) -> Value {
        let finish: Finish = match self.doom(&work.about) {
            Some(error) => Box::new(|_, _| Err(error)),
            None => work.finish,
        };
        let mut state = self.lock();
        state.made += 1;
        let operation = Operation {
            number: state.made,
            owner: work.owner,
            name: work.name,
            metadata: work.metadata,
            progress: work.progress,
            began: now,
            due: now + work.takes.unwrap_or(self.settings.takes),
            standing: Standing::Running(finish),
            forgotten: false,
        };
        let shown = operation.to_json(now);
        let key = (operation.owner.clone(), operation.name.clone());
        state.operations.insert(key, operation);
        shown
    }

    /// Describes an operation.
    pub(crate) fn get(
        &self,
        owner: &Scope,
        name: &str,
        now: SystemTime,
    ) -> Result<Value, ApiError> {
        self.find(owner, name, |operation| operation.to_json(now))
    }

    /// The full name of the operation whose name ends like this.
    pub(super) fn name_of(&self, owner: &Scope, id: &str) -> Option<String> {
        let state = self.lock();
        let mut own = state.operations.values().filter(|it| it.owner == *owner);
        let found = own.find(|it| it.name.rsplit('/').next() == Some(id));
        found.map(|operation| operation.name.clone())
    }

    /// How long an operation goes on from now.
    pub(super) fn left(
        &self,
        owner: &Scope,
        name: &str,
        now: SystemTime,
    ) -> Result<Duration, ApiError> {
        self.find(owner, name, |operation| {
            let left = operation.due.duration_since(now).unwrap_or_default();
            if operation.is_done() {
                Duration::ZERO
            } else {
                left
            }
        })
    }

    /// Ends an operation that is still running.
    pub(crate) fn cancel(&self, owner: &Scope, name: &str) -> Result<(), ApiError> {
        self.find(owner, name, |operation| {
            if let Standing::Running(_) = operation.standing {
                operation.standing = Standing::Done(Err(cancelled()));
            }
        })
    }

    /// Forgets an operation. Its work goes on.
    pub(crate) fn forget(&self, owner: &Scope, name: &str) -> Result<(), ApiError> {
        self.find(owner, name, |operation| operation.forgotten = true)
    }

    /// The operations whose names begin with `parent` and a slash, oldest first, each with its
    /// position.
    pub(crate) fn list(&self, owner: &Scope, parent: &str, now: SystemTime) -> Vec<(u64, Value)> {
        let state = self.lock();
        let own = state.operations.values().filter(|operation| {
            let rest = operation.name.strip_prefix(parent);
            let inside = parent.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'));
            operation.owner == *owner && inside && !operation.forgotten
        });
        let mut own: Vec<_> = own
            .map(|operation| (operation.number, operation.to_json(now)))
            .collect();
        own.sort_unstable_by_key(|(number, _)| *number);
        own
    }

    fn find<T>(
        &self,
        owner: &Scope,
        name: &str,
        use_it: impl FnOnce(&mut Operation) -> T,
    ) -> Result<T, ApiError> {
        let mut state = self.lock();
        let operation = state.operations.get_mut(&(owner.clone(), name.to_owned()));
        match operation.filter(|operation| !operation.forgotten) {
            Some(operation) => Ok(use_it(operation)),
            None => Err(ApiError::not_found(format!("Operation not found: {name}"))),
        }
    }

    /// Takes the work that has been due for longest.
    fn next_due(&self, now: SystemTime) -> Option<(Scope, String, SystemTime, Finish)> {
        let mut state = self.lock();
        let running = state
            .operations
            .values_mut()
            .filter(|it| it.due <= now && matches!(it.standing, Standing::Running(_)));
        let operation = running.min_by_key(|operation| (operation.due, operation.number))?;
        let Standing::Running(finish) =
            std::mem::replace(&mut operation.standing, Standing::Ending)
        else {
            return None;
        };
        let (owner, name) = (operation.owner.clone(), operation.name.clone());
        Some((owner, name, operation.due, finish))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gemini {
    /// Finishes the work whose time has passed, and brings jobs to where they are by now.
    pub(crate) fn settle(&self, now: SystemTime) {
        self.run_batches(now);
        self.tunings.settle(&self.storage, now);
        let operations = &self.operations;
        let settling = operations.settling.lock();
        let _settling = settling.unwrap_or_else(PoisonError::into_inner);
        while let Some((owner, name, due, finish)) = operations.next_due(now) {
            let result = finish(self, due);
            let mut state = operations.lock();
            if let Some(operation) = state.operations.get_mut(&(owner, name)) {
                operation.standing = Standing::Done(result);
            }
        }
    }
}

fn cancelled() -> ApiError {
    let code = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
    ApiError::new(code, "CANCELLED", "The operation was cancelled.")
}

/// The end of an operation that is set to fail.
fn failure() -> ApiError {
    ApiError::internal("The operation failed because it was set to.").with_detail(json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SET_TO_FAIL",
        "domain": "emulator",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn owner() -> Scope {
        Scope::Key("k".to_owned())
    }

    fn at(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    fn work(name: &str, takes: u64) -> Work {
        Work {
            owner: owner(),
            name: name.to_owned(),
            about: String::new(),
            takes: Some(Duration::from_secs(takes)),
            metadata: serde_json::Map::new(),
            progress: Some("progressPercent"),
            finish: Box::new(|gemini, at| {
                // What is begun while something ends is finished in its own time.
                let begun = gemini.operations.begin(later(), at);
                Ok(
                    json!({ "seconds": at.duration_since(START).map_or(0, |d| d.as_secs()), "begun": begun["name"] }),
                )
            }),
        }
    }

    fn later() -> Work {
        Work {
            finish: Box::new(|_, _| Ok(json!({}))),
            ..work("operations/later", 5)
        }
    }

    #[test]
    fn work_is_finished_in_its_own_time() {
        let gemini = Gemini::for_tests();
        let operations = &gemini.operations;
        operations.begin(work("operations/a", 10), START);
        gemini.settle(at(9));
        let running = operations
            .get(&owner(), "operations/a", at(9))
            .expect("there");
        assert_eq!(
            running,
            json!({"name": "operations/a", "metadata": {"progressPercent": 90}})
        );
        // Nobody asked at the time it was due; it ended then all the same.
        gemini.settle(at(14));
        let done = operations
            .get(&owner(), "operations/a", at(14))
            .expect("there");
        assert_eq!(
            done["response"],
            json!({"seconds": 10, "begun": "operations/later"})
        );
        assert_eq!(
            (&done["done"], &done["metadata"]["progressPercent"]),
            (&json!(true), &json!(100))
        );
        let later = operations
            .get(&owner(), "operations/later", at(14))
            .expect("there");
        assert_eq!(later["metadata"]["progressPercent"], 80);
        gemini.settle(at(60));
        let later = operations
            .get(&owner(), "operations/later", at(60))
            .expect("there");
        assert_eq!(later["done"], true);
    }

    #[test]
    fn cancelled_work_does_not_happen_and_forgotten_work_does() {
        let gemini = Gemini::for_tests();
        let operations = &gemini.operations;
        operations.begin(work("models/m/operations/a", 10), START);
        operations
            .cancel(&owner(), "models/m/operations/a")
            .expect("there");
        gemini.settle(at(20));
        let done = operations
            .get(&owner(), "models/m/operations/a", at(20))
            .expect("there");
        assert_eq!(
            done["error"],
            json!({"code": 1, "message": "The operation was cancelled."})
        );
        operations.begin(work("models/m/operations/b", 10), START);
        operations
            .forget(&owner(), "models/m/operations/b")
            .expect("there");
        gemini.settle(at(20));
        assert!(
            operations
                .get(&owner(), "models/m/operations/b", at(20))
                .is_err()
        );
        assert!(operations.get(&owner(), "operations/later", at(20)).is_ok());
        let names = |parent| {
            let list = operations.list(&owner(), parent, at(20));
            list.iter()
                .map(|(_, it)| it["name"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("models/m"), ["models/m/operations/a"]);
        assert_eq!(names("models"), ["models/m/operations/a"]);
        assert_eq!(names("model"), Vec::<Value>::new());
        assert_eq!(names("").len(), 2);
    }

    #[test]
    fn what_is_set_to_fail_fails_with_details() {
        let mut gemini = Gemini::for_tests();
        let settings = OperationSettings {
            failing: vec!["doomed".to_owned()],
            ..OperationSettings::default()
        };
        gemini.operations = Operations::new(settings, 0);
        let doomed = Work {
            about: "a doomed thing".to_owned(),
            ..work("operations/a", 1)
        };
        gemini.operations.begin(doomed, START);
        gemini.settle(at(1));
        let done = gemini
            .operations
            .get(&owner(), "operations/a", at(1))
            .expect("there");
        assert_eq!(done["error"]["code"], 13);
        assert_eq!(done["error"]["details"][0]["reason"], "SET_TO_FAIL");
    }
}
