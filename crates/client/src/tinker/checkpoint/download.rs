//! Fetches the files of a checkpoint: one archive from servers that make archives, or one file
//! after the other from the addresses of external weights. What goes wrong on the way is resumed;
//! what arrives is checked before it takes its place.

use std::fmt;
use std::fs::File;
use std::future::IntoFuture;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_transport::download::Digest;
use gimmal_transport::{Download, Error, Progress, Request, Transport};
use gimmal_types::tinker::{
    CheckpointType, ExternalWeightsUrlsResponse, ParsedCheckpointTinkerPath,
};
use http::{Method, StatusCode};
use url::Url;

use super::place::Place;
use super::{UnpackLimits, Unpacked, unpack_archive};
use crate::tinker::RestClient;
use crate::tinker::rest::parse;

/// Addresses that work no longer than this are asked for anew before they are used.
const MARGIN: Duration = Duration::from_secs(300);
/// How often an address that is refused is asked for anew.
const NEW_ADDRESSES: u32 = 3;

type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// A checkpoint that is not downloaded yet. Awaiting it downloads it.
///
/// ```no_run
/// # async fn run(rest: gimmal_client::tinker::RestClient) -> Result<(), gimmal_client::Error> {
/// let done = rest
///     .download_checkpoint("tinker://run-123/external_weights/final")
///     .with_folder("checkpoints")
///     .await?;
/// assert_eq!(done.path.file_name().unwrap(), "run-123_external_weights_final");
/// # Ok(()) }
/// ```
///
/// The files are fetched to a folder beside their place and put there together, when all of them
/// are here and right. A download that was interrupted, in this process or another, goes on where
/// it stopped if the server names the version of a file. An archive is unpacked as
/// [`unpack_archive`] does. No credential goes to the host that the files are on.
#[must_use = "nothing is downloaded until it is awaited"]
pub struct CheckpointDownload {
    rest: RestClient,
    path: String,
    /// The checkpoint whose name the files get, if it is another one.
    name_of: Option<String>,
    folder: PathBuf,
    overwrite: bool,
    limits: UnpackLimits,
    digest: Option<Digest>,
    tell: Option<Tell>,
}

/// A checkpoint on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadedCheckpoint {
    /// The folder with its files.
    pub path: PathBuf,
    /// How many files there are, and their bytes.
    pub unpacked: Unpacked,
}

impl CheckpointDownload {
    pub(crate) fn new(rest: RestClient, path: String) -> Self {
        Self {
            rest,
            path,
            name_of: None,
            folder: PathBuf::from("."),
            overwrite: false,
            limits: UnpackLimits::default(),
            digest: None,
            tell: None,
        }
    }

    /// Sets the folder that the checkpoint's own folder is made in; the current one by default. It
    /// must exist.
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Replaces what is in the place of the checkpoint; an error by default.
    pub fn with_overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Sets how much may come out of an archive, or be fetched in files.
    pub fn with_limits(mut self, limits: UnpackLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Fails unless the archive has this digest. Files of external weights have none as a whole.
    pub fn with_expected_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Calls `tell` whenever bytes have arrived. With several files the bytes are of all of them.
    pub fn with_progress(mut self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.tell = Some(Arc::new(tell));
        self
    }

    /// Fetches the files of another checkpoint, under the name of this one.
    pub(super) fn with_files_of(mut self, path: &str) -> Self {
        self.name_of = Some(std::mem::replace(&mut self.path, path.to_owned()));
        self
    }

    /// Where the files go.
    fn place(&self) -> Result<Place, Error> {
        let name = self.name_of.as_ref().unwrap_or(&self.path);
        Place::new(&self.folder, &parse(name)?, self.overwrite)
    }

    /// Refuses a path that is none and a place that is taken.
    pub(super) fn check_place(&self) -> Result<(), Error> {
        self.place().map(drop)
    }

    async fn send(self) -> Result<DownloadedCheckpoint, Error> {
        let path = parse(&self.path)?;
        let place = self.place()?;
        let prepared = place.clone();
        blocking(move || prepared.prepare()).await?;
        let unpacked = match path.checkpoint_type() {
            CheckpointType::External => self.fetch_files(&path, &place).await?,
            _ => self.fetch_archive(&path, &place).await?,
        };
        let finished = place.clone();
        blocking(move || finished.finish()).await?;
        Ok(DownloadedCheckpoint {
            path: place.target,
            unpacked,
        })
    }

    async fn fetch_archive(
        &self,
        path: &ParsedCheckpointTinkerPath,
        place: &Place,
    ) -> Result<Unpacked, Error> {
        let target = place.archive();
        let mut refusals = 0;
        loop {
            let rest = &self.rest;
            let found = rest.get_checkpoint_archive_url_from_tinker_path(path.tinker_path());
            let found = found.await.map_err(without_archives)?;
            let mut download = self.download(&found.url, &target, 0).await?;
            if let Some(digest) = self.digest {
                download = download.with_expected_digest(digest);
            }
            match download.with_overwrite().send().await {
                Ok(_) => break,
                Err(error) if is_refused(&error) && refusals < NEW_ADDRESSES => refusals += 1,
                Err(error) => return Err(error),
            }
        }
        let (place, limits) = (place.clone(), self.limits);
        blocking(move || {
            place.clear_files()?;
            let unpacked = File::open(&target)
                .map_err(|error| Error::file("open", &target, error))
                .and_then(|archive| unpack_archive(archive, &place.files(), limits));
            if unpacked.is_err() {
                // It would be refused again; the first error tells more than one of this.
                let _: Result<(), Error> = place.remove_work();
            }
            unpacked
        })
        .await
    }

    async fn fetch_files(
        &self,
        path: &ParsedCheckpointTinkerPath,
        place: &Place,
    ) -> Result<Unpacked, Error> {
        let addresses = || self.rest.get_external_weights_urls(path.tinker_path());
        let mut found = addresses().await?;
        let names = checked_names(&found, self.limits)?;
        let mut done = Unpacked::default();
        for name in names {
            let target = place.files().join(&name);
            let mut refusals = 0;
            loop {
                let now = self.rest.clock().await?.system_now();
                if expires_soon(&found, now) {
                    found = addresses().await?;
                }
                let url = found.urls.get(&name).ok_or_else(|| gone(&name))?;
                let download = self.download(url, &target, done.bytes).await?;
                match download.with_overwrite().send().await {
                    Ok(file) => {
                        done.bytes += file.bytes;
                        done.files += 1;
                        break;
                    }
                    Err(error) if is_refused(&error) && refusals < NEW_ADDRESSES => {
                        refusals += 1;
                        found = addresses().await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            self.limits.check(done)?;
        }
        Ok(done)
    }

    /// A download whose progress counts from `before`.
    async fn download(&self, url: &str, target: &Path, before: u64) -> Result<Download, Error> {
        let url = Url::parse(url).map_err(|error| {
            let message = "the server gave an address that is none";
            Error::decode(message, bytes::Bytes::new()).with_source(error)
        })?;
        if let Some(parent) = target.parent() {
            let made = tokio::fs::create_dir_all(parent).await;
            made.map_err(|error| Error::file("create", parent, error))?;
        }
        let transport: Transport = self.rest.bare_transport().await?;
        let request = Request::new(Method::GET, url);
        let download = Download::new(&transport, request, target);
        let Some(tell) = self.tell.clone() else {
            return Ok(download);
        };
        let whole = before == 0 && self.is_archive();
        Ok(download.with_progress(move |progress| {
            let total = progress.total.filter(|_| whole);
            tell(Progress::new(before + progress.bytes, total));
        }))
    }

    fn is_archive(&self) -> bool {
        !self.path.contains("/external_weights/")
    }
}

impl IntoFuture for CheckpointDownload {
    type Output = Result<DownloadedCheckpoint, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for CheckpointDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointDownload")
            .field("path", &self.path)
            .field("folder", &self.folder)
            .field("overwrite", &self.overwrite)
            .finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::cancelled("the work on files ended early")))
}

/// Signed addresses that are out of date are refused so.
fn is_refused(error: &Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED)
    )
}

fn without_archives(error: Error) -> Error {
    match error.status() {
        Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => error.with_context(
            "advice",
            "where a server makes no archives, save_weights_external makes files to download",
        ),
        _ => error,
    }
}

fn expires_soon(found: &ExternalWeightsUrlsResponse, now: SystemTime) -> bool {
    found.expires.to_system_time() < now + MARGIN
}

/// The names of the files, none of which may lead out of its folder.
fn checked_names(
    found: &ExternalWeightsUrlsResponse,
    limits: UnpackLimits,
) -> Result<Vec<String>, Error> {
    let refuse = |message: String| Error::decode(message, bytes::Bytes::new()).with_field("urls");
    if found.urls.is_empty() {
        return Err(refuse("the checkpoint has no files".to_owned()));
    }
    for name in found.urls.keys() {
        let mut parts = Path::new(name).components();
        let inside = parts.all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !inside || name.contains(['\\', '\0']) {
            return Err(refuse(format!("`{name}` is an unsafe path")));
        }
    }
    limits.check(Unpacked {
        files: found.urls.len() as u64,
        bytes: 0,
    })?;
    Ok(found.urls.keys().cloned().collect())
}

fn gone(name: &str) -> Error {
    let message = format!("the server names no address of `{name}` any more");
    Error::decode(message, bytes::Bytes::new()).with_field("urls")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gimmal_types::Timestamp;
    use test_case::test_case;

    use super::*;

    fn found(name: &str, expires: &str) -> ExternalWeightsUrlsResponse {
        let urls = BTreeMap::from([(name.to_owned(), "https://h/x".to_owned())]);
        let expires: Timestamp = expires.parse().unwrap();
        ExternalWeightsUrlsResponse::new()
            .set_urls(urls)
            .set_expires(expires)
    }

    /// Covers: CHK-DL-1
    #[test_case("adapter_model.safetensors", true)]
    #[test_case("sub/a.json", true)]
    #[test_case("../a", false)]
    #[test_case("/etc/passwd", false)]
    #[test_case("a\\b", false)]
    #[test_case("", false)]
    fn chk_dl_1_names_that_lead_elsewhere_are_refused(name: &str, fine: bool) {
        let found = found(name, "2026-01-01T00:00:00Z");
        let names = checked_names(&found, UnpackLimits::default());
        assert_eq!(names.is_ok(), fine);
        let limits = UnpackLimits::default().with_max_files(0);
        assert!(checked_names(&found, limits).is_err());
    }

    #[test]
    fn an_address_is_asked_for_anew_five_minutes_before_its_end() {
        let found = found("a", "2026-01-01T00:10:00Z");
        let at = |text: &str| text.parse::<Timestamp>().unwrap().to_system_time();
        assert!(!expires_soon(&found, at("2026-01-01T00:04:59Z")));
        assert!(expires_soon(&found, at("2026-01-01T00:05:01Z")));
    }
}
