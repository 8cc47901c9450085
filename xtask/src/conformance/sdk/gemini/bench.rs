//! What our cases share: clients for a server, a text to ask about, and ways to fail.

use std::sync::LazyLock;

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::gemini::{GeminiClient, GeminiClientBuilder, GenerateContent, GenerateStream};
use gimmal_client::transport::{HttpConfig, NeverRetry};
use gimmal_client::types::gemini::{GenerateContentConfig, GenerateContentResponse};
use gimmal_client::{Error, ErrorKind, Pager};
use gimmal_emulator::RecordedRequest;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use crate::conformance::sdk::checks::{
    among, failed, given, header, never_sent, refused, same,
};
use crate::conformance::sdk::ours::{Backend, Bench};

pub(super) const MODEL: &str = "gemini-2.5-flash";
pub(super) const KEY: &str = "conformance-key";
pub(super) const PARENT: &str = "projects/halden/locations/us-central1";
pub(super) const FACT: &str =
    "The night porter of the Halden hotel keeps the spare keys in a blue tin.";
pub(super) const QUESTION: &str = "Where are the spare keys of the hotel?";
pub(super) const GENERATE: &str = ":generateContent";

/// A text long enough to be cached, with the fact at its end.
pub(super) static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = "# Halden hotel\n\n".to_owned();
    for n in 1..120 {
        let (windows, year, corridor) = (n % 4 + 1, 1950 + n % 70, n % 9);
        text += &format!(
            "## Room {n}\n\nRoom {n} has {windows} windows and was painted in {year}. Its wardrobe \
             is made of oak and its door opens to corridor {corridor}.\n\n"
        );
    }
    text + &format!("## Keys\n\n{FACT}\n")
});

impl Bench {
    /// The settings of the usual client, which tries everything once.
    pub(super) fn builder(&self) -> GeminiClientBuilder {
        self.builder_with_key(KEY)
    }

    /// The same with another key; on Vertex with a project there is none.
    pub(super) fn builder_with_key(&self, key: &str) -> GeminiClientBuilder {
        let emulator = &self.running.emulator;
        let mut builder = GeminiClient::builder()
            .with_base_url(emulator.base_url())
            .with_retry_policy(NeverRetry);
        if let Some(authority) = emulator.certificate_authority().map(str::to_owned) {
            let http = HttpConfig::default().with_only_root_certificates(authority);
            builder = builder.with_transport(|transport| transport.with_http_config(http));
        }
        match self.backend {
            Backend::Mldev | Backend::Tinker => builder.with_api_key(key),
            Backend::Express => builder.with_api_key(key).with_vertex_express(),
            Backend::Vertex => builder
                .with_bearer_token("conformance-token")
                .with_vertex("halden", "us-central1"),
        }
    }

    /// The usual client.
    pub(super) fn client(&self) -> anyhow::Result<GeminiClient> {
        Ok(self.builder().build()?)
    }

    /// The usual generation, about these texts.
    pub(super) fn generate(&self, contents: &[&str]) -> anyhow::Result<GenerateContent> {
        let call = self.client()?.models().generate_content(MODEL);
        Ok(call.set_contents(contents.iter().copied()))
    }

    /// Whether the cases run against Vertex, with or without a project.
    pub(super) fn is_vertex(&self) -> bool {
        self.backend != Backend::Mldev
    }

    /// Fails unless the call was refused before anything was sent.
    pub(super) fn unsent<T>(&self, outcome: Result<T, Error>) -> anyhow::Result<()> {
        same(failed(outcome)?.kind(), ErrorKind::Invalid)?;
        same(self.requests("").len(), 0)
    }

    /// What the last of them had at a place of its body; null when it had nothing there.
    pub(super) fn sent(&self, path: &str, pointer: &str) -> anyhow::Result<Value> {
        Ok(sent(&self.last(path)?, pointer))
    }

    /// The full name that a resource gives its model.
    pub(super) fn model_name(&self) -> String {
        match self.backend {
            Backend::Vertex => format!("{PARENT}/publishers/google/models/{MODEL}"),
            Backend::Mldev | Backend::Express | Backend::Tinker => format!("models/{MODEL}"),
        }
    }
}

/// What a request had at a place of its body.
pub(super) fn sent(request: &RecordedRequest, pointer: &str) -> Value {
    let body = request.body().unwrap_or(&Value::Null);
    body.pointer(pointer).cloned().unwrap_or_default()
}

/// Fails unless the text begins so, and says what it is.
pub(super) fn begins(with: &str, text: impl AsRef<str>) -> anyhow::Result<()> {
    let text = text.as_ref();
    ensure!(
        text.starts_with(with),
        "{text:?} does not begin with {with:?}"
    );
    Ok(())
}

/// The refusal of a call by the server, which must have this status.
pub(super) fn declined<T>(outcome: Result<T, Error>, code: u16) -> anyhow::Result<()> {
    refused(outcome, code, "").map(|_| ())
}

/// The canonical name of a refusal.
pub(super) fn status_of(error: &Error) -> &str {
    let status = error
        .rpc_status()
        .and_then(|status| status.status.as_deref());
    status.unwrap_or_default()
}

/// A generation config from its JSON.
pub(super) fn config(json: Value) -> anyhow::Result<GenerateContentConfig> {
    of(json)
}

/// Settings or a resource from their JSON.
pub(super) fn of<T: DeserializeOwned>(json: Value) -> anyhow::Result<T> {
    let kind = std::any::type_name::<T>();
    serde_json::from_value(json).with_context(|| format!("no {kind}"))
}

/// All items of a list, which must come in pages of this size.
pub(super) async fn paged<T>(list: Pager<T>, size: usize) -> anyhow::Result<Vec<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    let mut pages = std::pin::pin!(list.pages());
    let (mut items, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page: Vec<T> = page?.items.into_iter().collect::<Result<_, _>>()?;
        ensure!(page.len() <= size, "{} items on a page", page.len());
        items.extend(page);
        count += 1;
    }
    same(count, items.len().div_ceil(size).max(1))?;
    Ok(items)
}

/// The names of resources, sorted.
pub(super) fn sorted(names: impl IntoIterator<Item = Option<String>>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().flatten().collect();
    names.sort();
    names
}

/// All chunks of a stream.
pub(super) async fn chunks(call: GenerateContent) -> Result<Vec<GenerateContentResponse>, Error> {
    let stream: GenerateStream = call.stream().await?;
    stream.try_collect().await
}

/// The text of all chunks.
pub(super) fn text(chunks: &[GenerateContentResponse]) -> String {
    let texts = chunks.iter().filter_map(GenerateContentResponse::text);
    texts.collect()
}
