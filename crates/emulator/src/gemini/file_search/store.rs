//! Where file search stores and their documents are kept, by owner. It decodes no requests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde_json::{Map, Value, json};

use crate::{
    content::Content,
    gemini::{
        caches::{Scope, format_time},
        errors::ApiError,
        file_search::{
            document::{Document, Media, State},
            draft::DocumentDraft,
            index::StoreIndex,
            ingest,
        },
    },
    rng::identifier,
};

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// The family of identifiers that those of stores and documents are drawn from.
const FAMILY: u64 = 7;
/// The characters of a name for people that go into an identifier.
const NAME_PART: usize = 26;

/// All file search stores of an emulator.
#[derive(Debug, Default)]
pub(crate) struct FileSearch {
    seed: u64,
    state: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By owner and identifier.
    stores: BTreeMap<(Scope, String), Store>,
    /// The stores and documents made so far.
    made: u64,
}

/// One store.
#[derive(Debug)]
struct Store {
    number: u64,
    id: String,
    display_name: Option<String>,
    embedding_model: String,
    created: SystemTime,
    updated: SystemTime,
    /// By identifier.
    documents: BTreeMap<String, Arc<Document>>,
    index: Option<Arc<StoreIndex>>,
}

impl FileSearch {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            state: Mutex::default(),
        }
    }

    /// Makes a store.
    pub(super) fn create(
        &self,
        owner: &Scope,
        display_name: Option<&str>,
        embedding_model: &str,
        now: SystemTime,
    ) -> Value {
        let mut kept = self.lock();
        let (number, id) = kept.next(self.seed, display_name);
        let store = Store {
            number,
            id: id.clone(),
            display_name: display_name.map(str::to_owned),
            embedding_model: embedding_model.to_owned(),
            created: now,
            updated: now,
            documents: BTreeMap::new(),
            index: None,
        };
        let shown = store.to_json();
        kept.stores.insert((owner.clone(), id), store);
        shown
    }

    /// Describes a store.
    pub(crate) fn get(&self, owner: &Scope, id: &str) -> Result<Value, ApiError> {
        Ok(self.lock().find(owner, id)?.to_json())
    }

    /// The stores of an owner, oldest first, each with its position.
    pub(super) fn list(&self, owner: &Scope) -> Vec<(u64, Value)> {
        let kept = self.lock();
        let own = kept.stores.iter().filter(|((scope, _), _)| scope == owner);
        let mut own: Vec<_> = own
            .map(|(_, store)| (store.number, store.to_json()))
            .collect();
        own.sort_unstable_by_key(|(number, _)| *number);
        own
    }

    /// Removes a store; one with documents only by `force`.
    pub(super) fn delete(&self, owner: &Scope, id: &str, force: bool) -> Result<(), ApiError> {
        let mut kept = self.lock();
        if !kept.find(owner, id)?.documents.is_empty() && !force {
            return Err(ApiError::failed_precondition(
                "Cannot delete non-empty FileSearchStore",
            ));
        }
        kept.stores.remove(&(owner.clone(), id.to_owned()));
        Ok(())
    }

    /// Adds a document that is not ready yet, and returns its identifier.
    pub(super) fn add(
        &self,
        owner: &Scope,
        draft: &DocumentDraft,
        display_name: Option<&str>,
        mime: &str,
        size: u64,
        now: SystemTime,
    ) -> Result<String, ApiError> {
        let mut kept = self.lock();
        kept.find(owner, &draft.store)?;
        let (number, id) = kept.next(self.seed, display_name);
        let store = kept.find(owner, &draft.store)?;
        let document = Document {
            number,
            name: document_name(&draft.store, &id),
            display_name: display_name.unwrap_or(&id).to_owned(),
            mime: mime.to_owned(),
            size,
            created: now,
            updated: now,
            metadata: draft.metadata.clone(),
            state: State::Pending,
            chunks: Vec::new(),
            media: None,
        };
        store.documents.insert(id.clone(), Arc::new(document));
        store.updated = now;
        Ok(id)
    }

    /// Makes a document ready, or marks it as failed; one that is gone by now is left alone.
    pub(super) fn complete(
        &self,
        owner: &Scope,
        draft: &DocumentDraft,
        id: &str,
        content: Result<&Content, ApiError>,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        let gone = || ApiError::not_found("The document was deleted before it was ready.");
        let document = self.document(owner, &draft.store, id).map_err(|_| gone())?;
        // Cutting may take its time, so nobody waits for it.
        let ingested = content.and_then(|content| {
            let (mime, name) = (&document.mime, &document.display_name);
            let ingested = ingest::ingest(content, mime, name, draft.chunking)?;
            let media = ingested.is_media.then(|| Media {
                name: format!("fileSearchStores/{}/media/{id}", draft.store),
                content: content.clone(),
            });
            Ok((ingested.chunks, media))
        });
        let mut kept = self.lock();
        let store = kept.find(owner, &draft.store).map_err(|_| gone())?;
        let slot = store.documents.get_mut(id).ok_or_else(gone)?;
        let document = Arc::make_mut(slot);
        document.updated = now;
        store.updated = now;
        store.index = None;
        match ingested {
            Ok((chunks, media)) => {
                document.state = State::Active;
                document.chunks = chunks;
                document.media = media;
                Ok(())
            }
            Err(error) => {
                document.state = State::Failed;
                Err(error)
            }
        }
    }

    /// A document.
    pub(super) fn document(
        &self,
        owner: &Scope,
        store: &str,
        id: &str,
    ) -> Result<Arc<Document>, ApiError> {
        let mut kept = self.lock();
        let document = kept.find(owner, store)?.documents.get(id).cloned();
        document.ok_or_else(|| missing("Document", &document_name(store, id)))
    }

    /// The documents of a store, oldest first.
    pub(super) fn documents(
        &self,
        owner: &Scope,
        store: &str,
    ) -> Result<Vec<Arc<Document>>, ApiError> {
        let mut kept = self.lock();
        let documents = kept.find(owner, store)?.documents.values();
        let mut documents: Vec<_> = documents.cloned().collect();
        documents.sort_unstable_by_key(|document| document.number);
        Ok(documents)
    }

    /// Removes a document; one with chunks only by `force`.
    pub(super) fn delete_document(
        &self,
        owner: &Scope,
        store: &str,
        id: &str,
        force: bool,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        let document = self.document(owner, store, id)?;
        if !document.chunks.is_empty() && !force {
            return Err(ApiError::failed_precondition(
                "Cannot delete non-empty Document",
            ));
        }
        let mut kept = self.lock();
        let store = kept.find(owner, store)?;
        store.documents.remove(id);
        store.updated = now;
        store.index = None;
        Ok(())
    }

    /// What the documents of a store have in them.
    pub(super) fn index(&self, owner: &Scope, store: &str) -> Result<Arc<StoreIndex>, ApiError> {
        let mut kept = self.lock();
        let store = kept.find(owner, store)?;
        let documents = store.documents.values();
        let index = store
            .index
            .get_or_insert_with(|| Arc::new(StoreIndex::build(documents)));
        Ok(Arc::clone(index))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, owner: &Scope, id: &str) -> Result<&mut Store, ApiError> {
        let store = self.stores.get_mut(&(owner.clone(), id.to_owned()));
        store.ok_or_else(|| missing("FileSearchStore", id))
    }

    /// A position and an identifier that no other store or document has. The identifier tells the
    /// name it was made from.
    fn next(&mut self, seed: u64, display_name: Option<&str>) -> (u64, String) {
        self.made += 1;
        let unique = identifier(seed, FAMILY, self.made, ALPHABET, 12);
        let name = slug(display_name.unwrap_or_default());
        let id = if name.is_empty() {
            unique
        } else {
            format!("{name}-{unique}")
        };
        (self.made, id)
    }
}

impl Store {
    /// The wire form. Counts of nothing are left out.
    fn to_json(&self) -> Value {
        let mut store = Map::new();
        let name = format!("fileSearchStores/{}", self.id);
        store.insert("name".to_owned(), name.into());
        if let Some(name) = &self.display_name {
            store.insert("displayName".to_owned(), name.as_str().into());
        }
        store.insert("createTime".to_owned(), format_time(self.created).into());
        store.insert("updateTime".to_owned(), format_time(self.updated).into());
        store.insert(
            "embeddingModel".to_owned(),
            self.embedding_model.as_str().into(),
        );
        let count = |state| {
            let documents = self.documents.values();
            documents.filter(|document| document.state == state).count() as u64
        };
        let size = self.documents.values().map(|document| document.size).sum();
        for (field, number) in [
            ("activeDocumentsCount", count(State::Active)),
            ("pendingDocumentsCount", count(State::Pending)),
            ("failedDocumentsCount", count(State::Failed)),
            ("sizeBytes", size),
        ] {
            if number > 0 {
                store.insert(field.to_owned(), json!(number.to_string()));
            }
        }
        Value::Object(store)
    }
}

pub(super) fn document_name(store: &str, id: &str) -> String {
    format!("fileSearchStores/{store}/documents/{id}")
}

/// The letters and digits of a name, joined by dashes.
fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    slug.truncate(NAME_PART);
    slug.trim_end_matches('-').to_owned()
}

/// The service does not tell what is missing from what belongs to somebody else.
fn missing(kind: &str, name: &str) -> ApiError {
    ApiError::permission_denied(format!(
        "You do not have permission to access the {kind} {name} or it may not exist."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_tell_the_name_they_were_made_from() {
        assert_eq!(slug("My Notes (2).txt"), "my-notes-2-txt");
        assert_eq!(slug("日本"), "");
        assert_eq!(slug(&"long ".repeat(9)), "long-long-long-long-long-l");
        let mut kept = Kept::default();
        assert!(kept.next(0, Some("A b")).1.starts_with("a-b-"));
        assert_eq!(kept.next(0, None).1.len(), 12);
    }
}
