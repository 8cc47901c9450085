//! `chats.*`: a chat as the record describes it, or as the call before left it.

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::{Chat, GeminiClient, ToolSet};
use gimmal_types::gemini::{Content, GenerateContentConfig};
use serde_json::{Value, json};

use crate::wire::Memory;
use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::functions::Functions;
use crate::wire::gemini::models::{generation_config, replied};
use crate::wire::gemini::{Call, dump};

pub(super) fn create(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let mut settings = call.arguments;
    let turns = history(&mut settings)?;
    let chat = chat(&client, settings, call.config, turns, call.functions)?;
    dump(&chat.curated_history())
}

pub(super) async fn send(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let message = Message::read(&client, call)?;
    let Message { mut chat, said, .. } = message;
    let mut call = chat.send_message(said);
    if let Some((config, functions)) = message.config {
        call = call.set_config(*config).with_functions(functions);
    }
    let reply = call.send().await?;
    message.session.keep(&chat);
    replied(reply.body())
}

pub(super) async fn stream(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let message = Message::read(&client, call)?;
    let Message { mut chat, said, .. } = message;
    let mut call = chat.send_message(said);
    if let Some((config, functions)) = message.config {
        call = call.set_config(*config).with_functions(functions);
    }
    let chunks: Vec<_> = call.stream().await?.try_collect().await?;
    message.session.keep(&chat);
    chunks.iter().map(replied).collect()
}

/// A message, and the chat that it is said in.
struct Message<'a> {
    chat: Chat,
    said: Content,
    /// What the message says of its reply.
    config: Option<(Box<GenerateContentConfig>, ToolSet)>,
    session: Session<'a>,
}

/// Where the chat is kept for the call that comes next.
struct Session<'a> {
    chats: &'a Memory,
    flow: Option<(String, u64)>,
}

impl Session<'_> {
    fn keep(self, chat: &Chat) {
        if let Some((flow, n)) = self.flow {
            self.chats.keep(flow, n, chat.curated_history().to_vec());
        }
    }
}

impl<'a> Message<'a> {
    fn read(client: &GeminiClient, call: Call<'a>) -> Result<Self, Failure> {
        let mut arguments = call.arguments;
        let Some(said) = arguments.take("message") else {
            return Err(Failure::refused("message", "is missing"));
        };
        let said = match said {
            Value::Object(object) if object.contains_key("parts") => {
                return Err(Failure::refused(
                    "message",
                    "must be a text, a part or a list",
                ));
            }
            said => arguments::content("message", said)?,
        };
        arguments.finish("")?;
        let config = if call.config.is_empty() {
            None
        } else {
            let (config, functions) = generation_config(call.config, call.functions.clone())?;
            Some((Box::new(config), functions))
        };
        let mut settings = Arguments::new(call.receiver);
        let given = history(&mut settings)?;
        let kept = call.flow.as_ref();
        let kept = kept.and_then(|(flow, n)| call.chats.turns(flow, *n));
        // Headers are set by the reference to count the uses of its chats.
        let mut own = settings.object("config")?;
        own.take("http_options");
        let turns = kept.unwrap_or(given);
        Ok(Self {
            chat: chat(client, settings, own, turns, call.functions)?,
            said,
            config,
            session: Session {
                chats: call.chats,
                flow: call.flow,
            },
        })
    }
}

fn history(settings: &mut Arguments) -> Result<Vec<Content>, Failure> {
    let turns = settings.take("history").unwrap_or(json!([]));
    arguments::decode("history", turns)
}

fn chat(
    client: &GeminiClient,
    mut settings: Arguments,
    config: Arguments,
    turns: Vec<Content>,
    functions: Functions,
) -> Result<Chat, Failure> {
    let model = settings.text("model")?;
    settings.finish("")?;
    let (config, functions) = generation_config(config, functions)?;
    let chat = client.chats().create(model).set_config(config);
    Ok(chat.with_history(turns).with_functions(functions).start()?)
}
