//! How much memory large calls take at most: a request with 50 MB of bytes in place, and a stream
//! of pictures; and that the work of reading a stream grows with its length, not faster.
//!
//! The allocator counts, so the figures are exact and do not depend on the machine. The server is
//! a process of its own.

#[path = "common/server.rs"]
mod server;
#[path = "../../transport/benches/common/time.rs"]
mod time;
#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::types::gemini::{Content, Part};
use gimmal_emulator::{Emulator, RouteMatcher, ScriptedReply};
use peak_alloc::PeakAlloc;
use tokio::runtime::Runtime;

use crate::server::Server;
use crate::time::{busy, median};
use crate::verdict::{Verdict, report};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MODEL: &str = "gemini-2.5-flash";
const MB: usize = 1 << 20;

/// Bytes that a request carries in place.
const INLINE_BYTES: usize = 50_000_000;
/// How much memory sending it may take, in lengths of its body.
const REQUIRED_OF_BODY: f64 = 1.5;

/// Bytes of a picture that one event of a stream brings.
const PICTURE_BYTES: usize = 4 * MB;
/// Lengths of the streams, in pictures: 16 MB and 64 MB.
const STREAMS: [usize; 2] = [4, 16];
/// How much memory reading a stream may take, in lengths of one event's text: its text as it
/// gathers, up to twice as much more while the buffer moves to a larger place, and the bytes that
/// are decoded from it.
const REQUIRED_OF_EVENT: f64 = 4.0;
/// How much longer than four times the work four times the stream may take.
const REQUIRED_GROWTH: f64 = 1.25;
const ROUNDS: usize = 7;

/// The emulators: one that answers a large request, one for each stream.
const EMULATORS: usize = 1 + STREAMS.len();

fn main() {
    if server::serve_if_asked(EMULATORS, prepare) || !wanted::measures() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = Server::start(EMULATORS, 2 + 2 * ROUNDS);
    let [request, streams @ ..] = server.urls() else {
        panic!("addresses");
    };
    let mut verdict = Verdict::default();
    check_request(&runtime, request, &mut verdict);
    check_streams(&runtime, streams, &mut verdict);
    verdict.settle();
}

/// Tells an emulator what to answer.
fn prepare(number: usize, emulator: &Emulator, calls: usize) {
    let reply = match number.checked_sub(1) {
        None => ScriptedReply::text(200, r#"{"candidates":[]}"#),
        Some(stream) => ScriptedReply::events(std::iter::repeat_n(picture(), STREAMS[stream])),
    };
    let script = emulator.script();
    script.push_times(RouteMatcher::any(), reply, calls);
}

/// An event's data: one picture.
fn picture() -> String {
    let bytes: Vec<u8> = (0..PICTURE_BYTES).map(|at| (at % 251) as u8).collect();
    let data = BASE64_STANDARD.encode(bytes);
    format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}]}}}}]}}"#
    )
}

fn client(url: &str) -> GeminiClient {
    let builder = GeminiClient::builder().with_api_key("key");
    builder.with_base_url(url).build().expect("a client")
}

/// The most memory that is in use while `work` runs, beyond what was in use before.
fn peak<T>(work: impl FnOnce() -> T) -> usize {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    std::hint::black_box(work());
    ALLOCATOR.peak_usage().saturating_sub(before)
}

fn check_request(runtime: &Runtime, url: &str, verdict: &mut Verdict) {
    let client = client(url);
    let body = INLINE_BYTES.div_ceil(3) * 4;
    let call = |bytes: Vec<u8>| {
        let mut content = Content::user("What is shown?");
        content.parts.push(Part::inline_data(bytes, "video/mp4"));
        let call = client.models().generate_content(MODEL);
        runtime.block_on(call.set_contents([content]).send())
    };
    call(Vec::new()).expect("a reply to open the connection");
    let bytes = vec![7; INLINE_BYTES];
    let peak = peak(|| call(bytes).expect("a reply"));
    let ratio = peak as f64 / body as f64;
    report(&format!(
        "a request with {} MB in place: {} MB at most, for a body of {} MB",
        INLINE_BYTES / MB,
        peak / MB,
        body / MB,
    ));
    verdict.check(
        ratio <= REQUIRED_OF_BODY,
        format!("{ratio:.2} times the body (allowed {REQUIRED_OF_BODY})"),
    );
}

fn check_streams(runtime: &Runtime, urls: &[String], verdict: &mut Verdict) {
    let event = PICTURE_BYTES.div_ceil(3) * 4;
    let mut took = Vec::new();
    for (url, pictures) in urls.iter().zip(STREAMS) {
        let client = client(url);
        let read = || runtime.block_on(read(&client, pictures));
        read();
        let peak = peak(read);
        let ratio = peak as f64 / event as f64;
        let seconds = median((0..ROUNDS).map(|_| busy(read).as_secs_f64()).collect());
        report(&format!(
            "a stream of {} MB: {} MB at most, {:.0} ms of processor time",
            pictures * PICTURE_BYTES / MB,
            peak / MB,
            seconds * 1e3,
        ));
        verdict.check(
            ratio <= REQUIRED_OF_EVENT,
            format!("{ratio:.2} times the text of one event (allowed {REQUIRED_OF_EVENT})"),
        );
        took.push(seconds);
    }
    let growth = took[1] / took[0] / (STREAMS[1] / STREAMS[0]) as f64;
    verdict.check(
        growth <= REQUIRED_GROWTH,
        format!("{growth:.2} times as much work for each picture of the longer stream (allowed {REQUIRED_GROWTH})"),
    );
}

/// Reads a stream and lets go of each picture before the next.
async fn read(client: &GeminiClient, pictures: usize) {
    let call = client.models().generate_content(MODEL);
    let stream = call.set_contents(["Draw a gimmal."]).stream().await;
    let mut stream = stream.expect("a stream");
    let mut bytes = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.expect("a picture");
        let data = chunk.parts().first().and_then(|part| {
            let blob = part.inline_data.as_ref()?;
            Some(blob.data.as_ref()?.as_bytes().len())
        });
        bytes += data.expect("bytes");
    }
    assert_eq!(bytes, pictures * PICTURE_BYTES);
}
