//! An upload whose process is killed half way and that another process finishes: nothing is lost,
//! and nothing goes twice but the chunk that was on its way.
//!
//! `GIMMAL_UPLOAD_KILL_BYTES` sets the size and has the test tell what it measured; with 1073741824
//! that is the figure in the README. The processes that upload are this very program, told by the
//! environment.

use std::env;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::UploadSession;
use gimmal_emulator::{Emulator, Fault, FaultRule, RecordedRequest, Route};

const SIZE: &str = "GIMMAL_UPLOAD_KILL_BYTES";
/// Where the emulator is; set for the processes that upload.
const BASE_URL: &str = "GIMMAL_UPLOAD_KILL_BASE_URL";
const FOLDER: &str = "GIMMAL_UPLOAD_KILL_FOLDER";
const CHUNK: &str = "GIMMAL_UPLOAD_KILL_CHUNK";

const DEFAULT_BYTES: u64 = 4 << 20;

/// What the processes share besides the network.
struct Folder(PathBuf);

impl Folder {
    fn content(&self) -> PathBuf {
        self.0.join("content.bin")
    }

    fn session(&self) -> PathBuf {
        self.0.join("session.json")
    }

    /// The name of the file, once it is uploaded.
    fn name(&self) -> PathBuf {
        self.0.join("name.txt")
    }
}

fn client(base_url: &str) -> GeminiClient {
    let builder = GeminiClient::builder().with_api_key("key");
    builder.with_base_url(base_url).build().unwrap()
}

/// One of the processes: opens the upload unless it is open, and goes on with it to its end.
#[tokio::test]
#[ignore = "runs as a process of its own, started by the test below"]
async fn uploader() {
    let Ok(base_url) = env::var(BASE_URL) else {
        return;
    };
    let folder = Folder(env::var(FOLDER).unwrap().into());
    let chunk: NonZeroU64 = env::var(CHUNK).unwrap().parse().unwrap();
    let upload = client(&base_url).files().upload(folder.content());
    let upload = upload
        .set_mime_type("application/pdf")
        .with_chunk_bytes(chunk);
    let session = match std::fs::read(folder.session()) {
        Ok(saved) => serde_json::from_slice::<UploadSession>(&saved).unwrap(),
        Err(_) => {
            let session = upload.start().await.unwrap();
            std::fs::write(folder.session(), serde_json::to_vec(&session).unwrap()).unwrap();
            session
        }
    };
    let file = upload.resume(&session).await.unwrap().into_body();
    std::fs::write(folder.name(), file.name.unwrap()).unwrap();
}

fn spawn(emulator: &Emulator, folder: &Folder, chunk: NonZeroU64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["uploader", "--exact", "--ignored"])
        .env(BASE_URL, emulator.base_url())
        .env(FOLDER, &folder.0)
        .env(CHUNK, chunk.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Covers: files.create
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_upload_is_finished_by_another_process() {
    let size = env::var(SIZE).map_or(DEFAULT_BYTES, |size| size.parse().unwrap());
    // About 64 chunks, and none larger than those of the service.
    let chunk = NonZeroU64::new((size / 64).next_power_of_two().clamp(1 << 12, 8 << 20)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let folder = Folder(scratch.path().to_owned());
    write_content(&folder.content(), size);
    // A question, half of the chunks, and one chunk that is not read further than its first third:
    // however late the kill comes, the process cannot get beyond that.
    let half = 1 + size / chunk / 2;
    let stall = FaultRule::new(Fault::stall_upload(chunk.get() / 3)).on(Route::UploadContent);
    let emulator = Emulator::builder()
        .with_upload_granularity(chunk)
        .with_downloadable_uploads()
        .with_fault(stall.after(half).at_most(1))
        .start()
        .await
        .unwrap();

    let began = Instant::now();
    let mut first = spawn(&emulator, &folder, chunk);
    while (emulator.journal().count(Route::UploadContent) as u64) <= half {
        assert_eq!(first.try_wait().unwrap(), None, "it is not done yet");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    first.kill().unwrap();
    let killed = first.wait().unwrap();
    assert!(!killed.success() && !folder.name().exists(), "on the way");
    let mut second = spawn(&emulator, &folder, chunk);
    let ended = tokio::task::spawn_blocking(move || second.wait().unwrap());
    let ended = ended.await.unwrap();
    assert!(ended.success());
    let took = began.elapsed();

    let name = std::fs::read_to_string(folder.name()).unwrap();
    let client = client(emulator.base_url());
    let file = client.files().get(&*name).send().await.unwrap().into_body();
    assert_eq!(file.size_bytes, Some(i64::try_from(size).unwrap()));
    assert_eq!(same(&client, &name, &folder.content()).await, size);

    let requests = emulator.journal().requests(Route::UploadContent);
    let asks = |request: &RecordedRequest| request.headers()["x-goog-upload-command"] == "query";
    // Each process asked first, and then sent one chunk after the other.
    let second = requests.iter().rposition(asks).unwrap();
    assert_eq!(requests.iter().filter(|request| asks(request)).count(), 2);
    let sent = |requests: &[RecordedRequest]| requests.iter().filter_map(chunk_of).collect();
    let (before, after): (Vec<_>, Vec<_>) = (sent(&requests[..second]), sent(&requests[second..]));
    // Where the first had got to, the second went on: within the last chunk of the first.
    let (last, len) = *before.last().unwrap();
    let next = after[0].0;
    assert!(
        (last..=last + len).contains(&next),
        "{last}+{len}, then {next}"
    );
    assert!(before.is_sorted() && after.is_sorted(), "always forwards");
    let again = last + len - next;
    let total: u64 = before.iter().chain(&after).map(|(_, len)| len).sum();
    assert_eq!(total, size + again, "nothing else went twice");
    if env::var_os(SIZE).is_none() {
        return;
    }
    report(&format!(
        "{size} bytes in chunks of {chunk}: killed in the chunk {last}+{len}, {} bytes of which had \
         arrived; {again} bytes of it went again; {} chunks in all, {took:.1?}\n",
        next - last,
        before.len() + after.len()
    ));
}

/// Offset and size of the chunk of a request.
fn chunk_of(request: &RecordedRequest) -> Option<(u64, u64)> {
    let number = |name: &str| request.headers().get(name)?.to_str().ok()?.parse().ok();
    let offset = number("x-goog-upload-offset")?;
    Some((offset, number("content-length").unwrap_or(0)))
}

/// Content that differs from place to place.
fn write_content(path: &Path, size: u64) {
    let mut file = File::create(path).unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut left = size;
    let mut block = vec![0; 1 << 16];
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            word.copy_from_slice(&state.to_le_bytes());
        }
        let len = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&block[..len]).unwrap();
        left -= len as u64;
    }
}

/// How many bytes the service has, all of them the same as those on the disk.
async fn same(client: &GeminiClient, name: &str, path: &Path) -> u64 {
    let stream = client.files().download(name).stream().await.unwrap();
    let mut stream = stream.into_body();
    let mut file = File::open(path).unwrap();
    let mut seen = 0;
    while let Some(piece) = stream.try_next().await.unwrap() {
        let mut local = vec![0; piece.len()];
        file.read_exact(&mut local).unwrap();
        assert!(
            piece == local,
            "a difference within {} bytes of {seen}",
            piece.len()
        );
        seen += piece.len() as u64;
    }
    seen
}

fn report(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
