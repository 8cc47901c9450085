//! Where files are kept: by owner and identifier, for two days on the emulator's clock. It knows
//! neither requests nor replies; other parts of the service read and write files through it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::StatusCode;

use crate::{
    gemini::{
        caches::Scope,
        errors::ApiError,
        files::{
            FileSettings, file_id,
            record::{FileRecord, NewFile, Origin, State},
        },
        media,
    },
    rng::identifier,
};

/// What the service's own identifiers of files are made of, and how long they are.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH: usize = 12;
/// The family of identifiers that those of files are drawn from.
const FAMILY: u64 = 4;

/// All files of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Files {
    settings: FileSettings,
    seed: u64,
    state: Mutex<Kept>,
}

type Key = (Scope, String);

#[derive(Debug, Default)]
struct Kept {
    files: BTreeMap<Key, Arc<FileRecord>>,
    /// The files made so far.
    made: u64,
}

impl Files {
    pub(crate) fn new(settings: FileSettings, seed: u64) -> Self {
        Self {
            settings,
            seed,
            state: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// Keeps a file, under the identifier it brings or under a new one.
    ///
    /// # Errors
    ///
    /// When its owner has a file of that name already, and when its bytes cannot be read.
    pub(crate) fn add(&self, new: NewFile, now: SystemTime) -> Result<Arc<FileRecord>, ApiError> {
        let unreadable = |_| ApiError::internal("The content of the file could not be read.");
        let sha256 = match new.sha256 {
            Some(digest) => digest,
            None => new.content.sha256().map_err(unreadable)?,
        };
        let film = new.mime.starts_with("video/") || new.mime.starts_with("audio/");
        let duration = film
            .then(|| media::duration(new.content.len(), |range| new.content.read_range(range)))
            .flatten();
        let mut kept = self.lock(now);
        kept.made += 1;
        let id = match new.id {
            Some(id) => id,
            None => identifier(self.seed, FAMILY, kept.made, ALPHABET, ID_LENGTH),
        };
        let key = (new.owner.clone(), id);
        kept.check_free(&key)?;
        let id = key.1.clone();
        // What the service made needs no looking at.
        let (processing, fails) = match new.origin {
            Origin::Uploaded => {
                let names = [id.as_str(), new.display_name.as_deref().unwrap_or_default()];
                let fails = self.settings.fails(names);
                (self.settings.processing_of(&new.mime), fails)
            }
            Origin::Generated | Origin::Registered => Default::default(),
        };
        let downloadable = match new.origin {
            Origin::Uploaded => self.settings.uploads_downloadable,
            Origin::Generated => true,
            Origin::Registered => false,
        };
        let file = Arc::new(FileRecord {
            number: kept.made,
            id,
            owner: new.owner,
            display_name: new.display_name,
            mime: new.mime,
            content: new.content,
            sha256,
            origin: new.origin,
            created: now,
            processed: now + processing,
            fails,
            duration,
            downloadable,
        });
        kept.files.insert(key, Arc::clone(&file));
        Ok(file)
    }

    /// Refuses an identifier that this owner has a file with.
    pub(crate) fn check_free(
        &self,
        owner: &Scope,
        id: &str,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        self.lock(now).check_free(&(owner.clone(), id.to_owned()))
    }

    /// The file of this owner with this name (`files/x`) or identifier, in whatever state.
    pub(crate) fn get(
        &self,
        owner: &Scope,
        name: &str,
        now: SystemTime,
    ) -> Result<Arc<FileRecord>, ApiError> {
        let id = name.strip_prefix("files/").unwrap_or(name);
        let kept = self.lock(now);
        let file = kept.files.get(&(owner.clone(), id.to_owned()));
        file.cloned().ok_or_else(|| missing(id))
    }

    /// The file that a name or a URI is about, if it is one of the service and can be used.
    pub(crate) fn usable(
        &self,
        owner: &Scope,
        name_or_uri: &str,
        now: SystemTime,
    ) -> Result<Arc<FileRecord>, ApiError> {
        let id = file_id(name_or_uri).unwrap_or(name_or_uri);
        let file = self.get(owner, id, now)?;
        if file.state(now) == State::Active {
            return Ok(file);
        }
        Err(ApiError::failed_precondition(format!(
            "The File {id} is not in an ACTIVE state and usage is not allowed."
        )))
    }

    /// Removes the file.
    pub(crate) fn remove(&self, owner: &Scope, id: &str, now: SystemTime) -> Result<(), ApiError> {
        let mut kept = self.lock(now);
        match kept.files.remove(&(owner.clone(), id.to_owned())) {
            Some(_) => Ok(()),
            None => Err(missing(id)),
        }
    }

    /// The files of an owner, oldest first.
    pub(crate) fn list(&self, owner: &Scope, now: SystemTime) -> Vec<Arc<FileRecord>> {
        let kept = self.lock(now);
        let own = kept.files.values().filter(|file| file.owner == *owner);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_unstable_by_key(|file| file.number);
        own
    }

    /// What there is at `now`: nothing that has expired.
    fn lock(&self, now: SystemTime) -> MutexGuard<'_, Kept> {
        let mut kept = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        kept.files.retain(|_, file| file.expires() > now);
        kept
    }
}

impl Kept {
    fn check_free(&self, key: &Key) -> Result<(), ApiError> {
        if !self.files.contains_key(key) {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::CONFLICT,
            "ALREADY_EXISTS",
            format!("Requested entity already exists: files/{}", key.1),
        ))
    }
}

/// The service does not tell what is missing from what belongs to somebody else.
fn missing(id: &str) -> ApiError {
    ApiError::permission_denied(format!(
        "You do not have permission to access the File {id} or it may not exist."
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::gemini::files::record::LIFETIME;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn owner() -> Scope {
        Scope::Key("k".to_owned())
    }

    fn new(id: Option<&str>, mime: &str) -> NewFile {
        NewFile {
            owner: owner(),
            id: id.map(str::to_owned),
            display_name: None,
            mime: mime.to_owned(),
            content: Bytes::from_static(b"abc").into(),
            sha256: None,
            origin: Origin::Uploaded,
        }
    }

    #[test]
    fn a_file_is_its_owners_for_two_days() {
        let files = Files::default();
        let file = files.add(new(None, "text/plain"), START).expect("added");
        assert_eq!(file.id.len(), ID_LENGTH);
        let last = START + LIFETIME - Duration::from_nanos(1);
        assert!(files.get(&owner(), &file.name(), last).is_ok());
        assert!(files.get(&owner(), &file.id, last).is_ok());
        let foreign = files.get(&Scope::Key("o".into()), &file.id, START);
        assert_eq!(foreign.expect_err("foreign").code(), 403);
        let late = files.get(&owner(), &file.id, START + LIFETIME);
        assert_eq!(late.expect_err("expired").code(), 403);
        assert!(files.list(&owner(), START + LIFETIME).is_empty());
    }

    #[test]
    fn a_name_is_given_once() {
        let files = Files::default();
        files.add(new(Some("a"), "text/plain"), START).expect("new");
        let again = files.add(new(Some("a"), "text/plain"), START);
        assert_eq!(again.expect_err("taken").code(), 409);
        files.remove(&owner(), "a", START).expect("there");
        assert_eq!(
            files.remove(&owner(), "a", START).expect_err("gone").code(),
            403
        );
        files
            .add(new(Some("a"), "text/plain"), START)
            .expect("free");
    }

    #[test]
    fn a_film_can_be_used_once_it_is_processed() {
        let settings = FileSettings {
            failing: vec!["bad".to_owned()],
            ..FileSettings::default()
        };
        let files = Files::new(settings, 0);
        let later = START + Duration::from_secs(2);
        let film = files
            .add(new(Some("film"), "video/mp4"), START)
            .expect("added");
        let bad = files
            .add(new(Some("too-bad"), "text/plain"), START)
            .expect("added");
        let text = files
            .add(new(Some("text"), "text/plain"), START)
            .expect("added");
        assert_eq!(film.state(START), State::Processing);
        assert_eq!(film.state(later), State::Active);
        assert_eq!(bad.state(START), State::Failed);
        assert_eq!(text.state(START), State::Active);
        let uri = "https://generativelanguage.googleapis.com/v1/files/film";
        let early = files.usable(&owner(), uri, START).expect_err("processing");
        assert_eq!(
            (early.code(), early.message()),
            (
                400,
                "The File film is not in an ACTIVE state and usage is not allowed."
            )
        );
        assert!(files.usable(&owner(), uri, later).is_ok());
        assert!(files.usable(&owner(), "files/too-bad", later).is_err());
    }

    #[test]
    fn the_wire_form_is_that_of_the_service() {
        let files = Files::default();
        let file = files
            .add(new(Some("a"), "video/mp4"), START)
            .expect("added");
        assert_eq!(
            file.to_json(START),
            serde_json::json!({
                "name": "files/a",
                "mimeType": "video/mp4",
                "sizeBytes": "3",
                "createTime": "1970-01-01T00:00:00Z",
                "updateTime": "1970-01-01T00:00:00Z",
                "expirationTime": "1970-01-03T00:00:00Z",
                "sha256Hash": "YmE3ODE2YmY4ZjAxY2ZlYTQxNDE0MGRlNWRhZTIyMjNiMDAzNjFhMzk2MTc3YTljYjQxMGZmNjFmMjAwMTVhZA==",
                "uri": "https://generativelanguage.googleapis.com/v1beta/files/a",
                "state": "PROCESSING",
                "source": "UPLOADED",
            })
        );
    }
}
