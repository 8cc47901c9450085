//! Work that goes on after the call that asked for it: looked at until it is done, films, and the
//! lines of JSON that jobs read and write.

use anyhow::{Context as _, bail};
use gimmal_client::transport::Request;
use gimmal_client::types::gemini::{GenerateVideosConfig, GenerateVideosOperation};
use gimmal_client::{CallOptions, Error, Response};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::bench::{given, of};
use crate::conformance::sdk::ours::Bench;

pub(super) const VEO: &str = "veo-3.0-generate-001";
const BUCKET: &str = "gs://halden-jobs";
/// How often to look before giving up.
const LOOKS: usize = 400;

/// What `look` gives once it is done. Between the looks the clock of the emulator moves on by so
/// many seconds.
pub(super) async fn until<T, F>(
    bench: &Bench,
    step: f64,
    look: impl Fn() -> F,
    mut is_done: impl FnMut(&T) -> bool,
) -> anyhow::Result<T>
where
    F: Future<Output = Result<Response<T>, Error>>,
{
    for _ in 0..LOOKS {
        let found = look().await?.into_body();
        if is_done(&found) {
            return Ok(found);
        }
        bench.advance(step)?;
    }
    bail!("not done after {LOOKS} looks")
}

/// Lines of JSON, one for each value.
pub(super) fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

/// The values of lines of JSON.
pub(super) fn values(text: &[u8]) -> anyhow::Result<Vec<Value>> {
    let values = serde_json::Deserializer::from_slice(text).into_iter();
    values.collect::<Result<_, _>>().context("no lines of JSON")
}

impl Bench {
    /// The name of the operation of a film that has begun.
    pub(super) async fn film(&self, config: Value) -> anyhow::Result<String> {
        let client = self.client()?;
        let begun = if self.is_vertex() {
            let config: GenerateVideosConfig = of(config)?;
            let call = client.models().generate_videos(VEO).set_config(config);
            call.set_prompt("a cat on a roof").send().await?
        } else {
            // The SDKs begin no films on the developer API, so one is asked for by hand.
            let path = format!("v1beta/models/{VEO}:predictLongRunning");
            let url = Url::parse(self.running.emulator.base_url())?.join(&path)?;
            let body = json!({"instances": [{"prompt": "a cat on a roof"}]});
            let request = Request::new(Method::POST, url).with_json(&body)?;
            let transport = client.api().transport();
            transport
                .send_json::<GenerateVideosOperation>(request, &CallOptions::default())
                .await?
        };
        given(begun.into_body().name)
    }

    /// The film once it is done.
    pub(super) async fn filmed(&self, name: &str) -> anyhow::Result<GenerateVideosOperation> {
        let operations = self.client()?.operations();
        let look = || operations.get::<GenerateVideosOperation>(name).send();
        until(self, 1.0, look, GenerateVideosOperation::is_done).await
    }

    /// Stores lines of JSON; the address of the object.
    pub(super) fn put_lines(&self, name: &str, values: &[Value]) -> String {
        let uri = format!("{BUCKET}/{name}");
        let storage = self.running.emulator.storage();
        storage.put_object(&*uri, lines(values));
        uri
    }

    /// The lines of JSON of an object.
    pub(super) fn get_lines(&self, uri: &str) -> anyhow::Result<Vec<Value>> {
        let object = self.running.emulator.storage().object(uri);
        values(&object.with_context(|| format!("there is no {uri}"))?)
    }
}
