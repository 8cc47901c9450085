//! The calls of the Gemini client by the names the reference gives them.

mod auth_tokens;
mod batches;
mod caches;
mod chats;
mod embeddings;
mod file_search_stores;
mod files;
mod images;
mod live;
mod models;
mod operations;
mod transforms;
mod tuned_models;
mod tunings;
mod videos;

use futures_util::StreamExt as _;
use gimmal_client::Pager;
use gimmal_client::transport::testing::ScriptedTransport;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;
use crate::wire::functions::Functions;
use crate::wire::record::Record;
use crate::wire::{Memory, http_options, names, python};

/// A call in the making: what it was given, and the script it runs on.
pub(crate) struct Call<'a> {
    http: &'a ScriptedTransport,
    arguments: Arguments,
    config: Arguments,
    /// What the reference was given for this call's connection.
    http_options: Option<Value>,
    /// The file of the public form; the resolved form has none.
    file: Option<Value>,
    /// What a file of the recorder's held.
    sent: Vec<u8>,
    receiver: Map<String, Value>,
    functions: Functions,
    flow: Option<(String, u64)>,
    chats: &'a Memory,
}

/// Makes the call of a record.
pub(crate) async fn call(
    record: Record,
    http: &ScriptedTransport,
    chats: &Memory,
) -> Result<Value, Failure> {
    if let Some(function) = record.method.strip_prefix("transform.") {
        return transforms::apply(function, &record.client, record.arguments);
    }
    let mut arguments = Arguments::new(record.arguments);
    let mut config = arguments.object("config")?;
    let call = config.take("http_options");
    let options = call.clone();
    let client = || {
        http_options::client(
            &record.backend,
            record.client.clone(),
            options.clone(),
            http,
        )
    };
    let mut public = record.public;
    let call = Call {
        http,
        arguments,
        config,
        http_options: call.clone(),
        file: public.remove("file"),
        sent: record.sent,
        receiver: record.receiver,
        functions: record.functions,
        flow: record.flow,
        chats,
    };
    match record.method.as_str() {
        "models.generate_content" => models::generate(client()?, call).await,
        "models.generate_content_stream" => models::stream(client()?, call).await,
        "models.count_tokens" => models::count_tokens(client()?, call).await,
        "models.get" => models::get(client()?, call).await,
        "models.list" => models::list(client()?, call).await,
        "models.update" => tuned_models::update(client()?, call).await,
        "models.delete" => tuned_models::delete(client()?, call).await,
        "models.compute_tokens" => embeddings::compute_tokens(client()?, call).await,
        "models.embed_content" | "models._embed_content" => {
            embeddings::embed(client()?, call).await
        }
        "models.generate_images" | "models._generate_images" => {
            images::generate(client()?, call).await
        }
        "models.edit_image" | "models._edit_image" => images::edit(client()?, call).await,
        "models.upscale_image" | "models._upscale_image" => images::upscale(client()?, call).await,
        "models.recontext_image" => images::recontext(client()?, call).await,
        "models.segment_image" => images::segment(client()?, call).await,
        "models.generate_videos" | "models._generate_videos" => {
            videos::generate(client()?, call).await
        }
        "operations.get" => operations::get(client()?, call).await,
        "operations._get_videos_operation" | "operations._fetch_predict_videos_operation" => {
            operations::get_videos(client()?, call).await
        }
        "operations._get" => operations::get_project(client()?, call).await,
        "batches.create" | "batches._create" => batches::create(client()?, call).await,
        "batches.create_embeddings" | "batches._create_embeddings" => {
            batches::create_embeddings(client()?, call).await
        }
        "batches.get" => batches::get(client()?, call).await,
        "batches.list" | "batches._list" => batches::list(client()?, call).await,
        "batches.cancel" => batches::cancel(client()?, call).await,
        "batches.delete" => batches::delete(client()?, call).await,
        "tunings.tune" | "tunings._tune" => tunings::tune(client()?, call).await,
        "tunings._tune_mldev" => tunings::tune_operation(client()?, call).await,
        "tunings.get" | "tunings._get" => tunings::get(client()?, call).await,
        "tunings.list" | "tunings._list" => tunings::list(client()?, call).await,
        "tunings.cancel" => tunings::cancel(client()?, call).await,
        "tunings.validate_reward" => tunings::validate_reward(client()?, call).await,
        "chats.create" => chats::create(client()?, call),
        "chats.send_message" => chats::send(client()?, call).await,
        "chats.send_message_stream" => chats::stream(client()?, call).await,
        "caches.create" => caches::create(client()?, call).await,
        "caches.get" => caches::get(client()?, call).await,
        "caches.list" => caches::list(client()?, call).await,
        "caches.update" => caches::update(client()?, call).await,
        "caches.delete" => caches::delete(client()?, call).await,
        "files.upload" => files::upload(client()?, call).await,
        "files.get" => files::get(client()?, call).await,
        "files.list" => files::list(client()?, call).await,
        "files._list" => files::page(client()?, call).await,
        "files.delete" => files::delete(client()?, call).await,
        "files.download" => files::download(client()?, call).await,
        "files.register_files" | "files._register_files" => files::register(client()?, call).await,
        "file_search_stores.create" => file_search_stores::create(client()?, call).await,
        "file_search_stores.get" => file_search_stores::get(client()?, call).await,
        "file_search_stores.list" => file_search_stores::list(client()?, call).await,
        "file_search_stores._list" => file_search_stores::page(client()?, call).await,
        "file_search_stores.delete" => file_search_stores::delete(client()?, call).await,
        "file_search_stores.import_file" => file_search_stores::import(client()?, call).await,
        "file_search_stores.upload_to_file_search_store" => {
            file_search_stores::upload(client()?, call).await
        }
        "file_search_stores.download_media" => file_search_stores::media(client()?, call).await,
        "file_search_stores.documents.get" => {
            file_search_stores::get_document(client()?, call).await
        }
        "file_search_stores.documents.list" => {
            file_search_stores::list_documents(client()?, call).await
        }
        "file_search_stores.documents._list" => {
            file_search_stores::page_of_documents(client()?, call).await
        }
        "file_search_stores.documents.delete" => {
            file_search_stores::delete_document(client()?, call).await
        }
        "auth_tokens.create" => auth_tokens::create(client()?, call).await,
        "live.connect" => live::connect(client()?, call).await,
        "live.receive" => live::receive(client()?, call).await,
        "live.send_client_content" => live::send_client_content(client()?, call).await,
        "live.send_realtime_input" => live::send_realtime_input(client()?, call).await,
        "live.send_tool_response" => live::send_tool_response(client()?, call).await,
        "live.send_context_update" => live::send_context_update(client()?, call).await,
        "live.music.connect" => live::music_connect(client()?, call).await,
        "live.music.receive" => live::music_receive(client()?, call).await,
        "live.music.set_weighted_prompts" => live::music_prompts(client()?, call).await,
        "live.music.set_music_generation_config" => live::music_config(client()?, call).await,
        "live.music.play" | "live.music.pause" | "live.music.stop" | "live.music.reset_context" => {
            let control = record.method.trim_start_matches("live.music.");
            live::music_control(client()?, call, control).await
        }
        other if names::is_known(other) => Err(Failure::unimplemented(other)),
        other => Err(Failure::refused(
            "method",
            format!("`{other}` is no call of the reference"),
        )),
    }
}

impl Call<'_> {
    /// The name of a resource, for calls that take nothing else.
    fn only_name(self) -> Result<String, Failure> {
        let Self {
            mut arguments,
            config,
            ..
        } = self;
        let name = arguments.text("name")?;
        arguments.finish("")?;
        config.finish("config")?;
        Ok(name)
    }
}

/// A typed value under the reference's names.
fn dump<T: Serialize>(value: &T) -> Result<Value, Failure> {
    python::dump(value).map_err(|error| Failure::refused("result", error.to_string()))
}

/// Reads a list page by page for as long as the script has replies.
struct Pages<'a> {
    name: &'static str,
    http: &'a ScriptedTransport,
}

impl<'a> Pages<'a> {
    fn of(name: &'static str, http: &'a ScriptedTransport) -> Self {
        Self { name, http }
    }

    async fn read<T, D>(self, pager: Pager<T>, describe: D) -> Result<Value, Failure>
    where
        T: DeserializeOwned + Send + 'static,
        D: Fn(&T) -> Result<Value, Failure>,
    {
        let mut pages = Vec::new();
        let mut stream = std::pin::pin!(pager.pages());
        while let Some(page) = stream.next().await {
            let items = page?.items.into_iter().map(|item| describe(&item?));
            pages.push(items.collect::<Result<Vec<_>, Failure>>()?);
            // The script is as long as the reference read.
            if self.http.remaining() == 0 {
                break;
            }
        }
        Ok(json!({"$pager": pages, "name": self.name}))
    }

    /// The first page alone, as the service's reply is shown.
    async fn first<T: DeserializeOwned + Serialize + Send + 'static>(
        self,
        pager: Pager<T>,
    ) -> Result<Value, Failure> {
        let mut stream = std::pin::pin!(pager.pages());
        let Some(page) = stream.next().await else {
            return Ok(json!({}));
        };
        let page = page?;
        let items = page.items.into_iter().map(|item| dump(&item?));
        let items = items.collect::<Result<Vec<_>, Failure>>()?;
        Ok(json!({self.name: items, "next_page_token": page.next_page_token}))
    }
}
