//! Where resources of one kind are kept: by owner and identifier, in the order they were made.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    gemini::{caches::Scope, errors::ApiError, page, service::Call},
    reply::Reply,
};

/// The page a list has unless it is asked for another.
const DEFAULT_PAGE: usize = 50;

/// Resources of one kind.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    /// What they are called in messages.
    kind: &'static str,
    kept: Mutex<Kept<T>>,
}

#[derive(Debug)]
struct Kept<T> {
    items: BTreeMap<(Scope, String), (u64, T)>,
    made: u64,
}

impl<T: Clone> Shelf<T> {
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            kept: Mutex::new(Kept {
                items: BTreeMap::new(),
                made: 0,
            }),
        }
    }

    /// A number that no other resource of this kind is given.
    pub(super) fn number(&self) -> u64 {
        let mut kept = self.lock();
        kept.made += 1;
        kept.made
    }

    pub(super) fn insert(&self, owner: &Scope, id: &str, item: T) -> Result<(), ApiError> {
        let mut kept = self.lock();
        let key = (owner.clone(), id.to_owned());
        if kept.items.contains_key(&key) {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "ALREADY_EXISTS",
                format!("The {} {id} already exists.", self.kind),
            ));
        }
        kept.made += 1;
        let number = kept.made;
        kept.items.insert(key, (number, item));
        Ok(())
    }

    pub(super) fn get(&self, owner: &Scope, id: &str) -> Result<T, ApiError> {
        self.change(owner, id, |item| Ok(item.clone()))
    }

    /// Changes one, unless `change` refuses.
    pub(super) fn change<R>(
        &self,
        owner: &Scope,
        id: &str,
        change: impl FnOnce(&mut T) -> Result<R, ApiError>,
    ) -> Result<R, ApiError> {
        match self.lock().items.get_mut(&(owner.clone(), id.to_owned())) {
            Some((_, item)) => change(item),
            None => Err(self.unknown(id)),
        }
    }

    pub(super) fn remove(&self, owner: &Scope, id: &str) -> Result<T, ApiError> {
        let removed = self.lock().items.remove(&(owner.clone(), id.to_owned()));
        removed
            .map(|(_, item)| item)
            .ok_or_else(|| self.unknown(id))
    }

    /// Those of an owner, the oldest first, with their numbers.
    pub(super) fn all(&self, owner: &Scope) -> Vec<(u64, T)> {
        let kept = self.lock();
        let own = kept.items.iter().filter(|((of, _), _)| of == owner);
        let mut own: Vec<(u64, T)> = own.map(|(_, item)| item.clone()).collect();
        own.sort_by_key(|(number, _)| *number);
        own
    }

    /// Those of everybody that fit, with whose they are and how they are called.
    pub(super) fn fitting(&self, fits: impl Fn(&T) -> bool) -> Vec<(Scope, String, T)> {
        let kept = self.lock();
        let all = kept.items.iter().filter(|(_, (_, item))| fits(item));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(_, (number, _))| *number);
        all.into_iter()
            .map(|((owner, id), (_, item))| (owner.clone(), id.clone(), item.clone()))
            .collect()
    }

    fn unknown(&self, id: &str) -> ApiError {
        ApiError::not_found(format!("The {} {id} was not found.", self.kind))
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page of a list that is asked for, under its name.
pub(super) fn page(
    call: &Call<'_>,
    name: &str,
    mut all: Vec<(u64, Value)>,
) -> Result<Reply, ApiError> {
    let page = page::Request::read(call.query, DEFAULT_PAGE)?;
    all.retain(|(number, _)| page.after.is_none_or(|after| *number > after));
    let more = all.len() > page.size;
    all.truncate(page.size);
    let mut body = json!({});
    let last = all.last().map(|(number, _)| *number);
    if !all.is_empty() {
        body[name] = all.into_iter().map(|(_, shown)| shown).collect();
    }
    if let Some(last) = last.filter(|_| more) {
        body["next_page_token"] = page::token(last).into();
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_belong_to_their_owners() {
        let shelf: Shelf<i32> = Shelf::new("agent");
        let (ann, bob) = (Scope::Key("a".to_owned()), Scope::Key("b".to_owned()));
        shelf.insert(&ann, "x", 1).expect("new");
        shelf.insert(&bob, "x", 2).expect("another's");
        let error = shelf.insert(&ann, "x", 3).expect_err("taken");
        assert_eq!(error.code(), 409);
        assert_eq!(shelf.get(&ann, "x"), Ok(1));
        shelf
            .change(&ann, "x", |it| {
                *it += 9;
                Ok(())
            })
            .expect("there");
        assert_eq!(shelf.all(&ann), [(1, 10)]);
        assert_eq!(shelf.fitting(|_| true).len(), 2);
        assert_eq!(shelf.fitting(|it| *it == 2).len(), 1);
        assert_eq!(shelf.remove(&ann, "x"), Ok(10));
        let error = shelf.get(&ann, "x").expect_err("gone");
        assert_eq!(
            (error.code(), error.message()),
            (404, "The agent x was not found.")
        );
        assert_eq!(shelf.get(&bob, "x"), Ok(2));
    }
}
