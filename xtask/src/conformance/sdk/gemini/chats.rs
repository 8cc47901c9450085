//! Conversations: what they remember, and what they send with the next message.

use anyhow::ensure;
use futures_util::TryStreamExt as _;
use gimmal_client::gemini::{Chat, CreateChat};
use gimmal_client::types::gemini::{
    BlockedReason, Content, FinishReason, GenerateContentResponse, Part, Role,
};
use gimmal_client::{Error, ErrorKind};
use serde_json::{Value, json};

use super::bench::{
    DOCUMENT, FACT, GENERATE, MODEL, QUESTION, among, config, failed, refused, same, sent,
    status_of, text,
};
use super::functions::{WEATHER, Weather};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const PARROTS: &str = "My sister Ada lives in Lisbon and keeps two parrots.";
const ASKED: &str = "Who keeps parrots?";

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "chats.create");
    create.add("history", history);
    create.add("history of a stranger", stranger);
    create.add("config", config_of_all);

    let mut all = cases.group(Backend::ALL, "chats.send_message");
    all.add("remembers", remembers);
    let mut send = cases.group(Backend::BOTH, "chats.send_message");
    for (row, message) in messages() {
        send.add(format!("message:{row}"), move |bench| {
            takes(bench, message.clone())
        });
    }
    let blocked = Settings {
        blocked_phrases: vec!["plum".to_owned()],
        ..Settings::default()
    };
    send.add("config of one message", config_of_one);
    send.add("usage", usage);
    send.add("failure leaves no trace", failure);
    send.add_with(
        &blocked,
        "blocked message is not sent again",
        not_sent_again,
    );
    send.add("function that runs", runs);
    send.add("asynchronous function that runs", runs);

    let mut read = cases.group(Backend::BOTH, "chats.get_history");
    read.add("curated", curated);

    let mut all = cases.group(Backend::ALL, "chats.send_message_stream");
    all.add("chunks", streams);
    let mut stream = cases.group(Backend::BOTH, "chats.send_message_stream");
    stream.add("remembers", remembers_stream);
    stream.add("function that runs", runs_in_stream);
    stream.add("failure leaves no trace", failure_of_stream);
}

fn messages() -> Vec<(&'static str, Vec<Part>)> {
    let both = || vec![Part::text(PARROTS), Part::text("Is that so?")];
    vec![
        ("a text", vec![Part::from(PARROTS)]),
        ("a part", vec![Part::text(PARROTS)]),
        ("texts", both()),
        ("parts", both()),
    ]
}

fn create(bench: &Bench) -> anyhow::Result<CreateChat> {
    Ok(bench.client()?.chats().create(MODEL))
}

/// Who said what.
fn turns(history: &[Content]) -> Vec<(bool, String)> {
    let turns = history.iter().map(|turn| {
        let first = turn.parts.first().and_then(|part| part.text.clone());
        (turn.is_model(), first.unwrap_or_default())
    });
    turns.collect()
}

/// The text of the reply to a message.
async fn say(chat: &mut Chat, message: &str) -> anyhow::Result<String> {
    let reply = chat.send_message(message).send().await?;
    Ok(reply.body().text().unwrap_or_default())
}

async fn stream(
    chat: &mut Chat,
    message: impl Into<Content>,
) -> Result<Vec<GenerateContentResponse>, Error> {
    let stream = chat.send_message(message).stream().await?;
    stream.try_collect().await
}

/// How many turns the last request had.
fn sent_turns(bench: &Bench) -> anyhow::Result<usize> {
    let contents = bench.sent(GENERATE, "/contents")?;
    Ok(contents.as_array().map_or(0, Vec::len))
}

async fn remembers(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    let first = say(&mut chat, PARROTS).await?;
    let second = say(&mut chat, ASKED).await?;
    among(PARROTS, &second)?;
    let expected = [
        (false, PARROTS.to_owned()),
        (true, first),
        (false, ASKED.to_owned()),
        (true, second),
    ];
    same(turns(chat.history()), expected)?;
    same(sent_turns(&bench)?, 3)
}

async fn takes(bench: Bench, message: Vec<Part>) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    let count = message.len();
    chat.send_message(message).send().await?;
    let parts = bench.sent(GENERATE, "/contents/0/parts")?;
    same(&parts[0]["text"], PARROTS)?;
    same(parts.as_array().map(Vec::len), Some(count))?;
    same(chat.history().len(), 2)
}

async fn history(bench: Bench) -> anyhow::Result<()> {
    let history = [Content::user(PARROTS), Content::model("How nice.")];
    let mut chat = create(&bench)?.with_history(history.clone()).start()?;
    same(chat.history(), &history)?;
    among(PARROTS, say(&mut chat, ASKED).await?)?;
    same(sent_turns(&bench)?, 3)
}

async fn stranger(bench: Bench) -> anyhow::Result<()> {
    let turn: Content = serde_json::from_value(json!({
        "role": "narrator", "parts": [{"text": "It was night."}],
    }))?;
    let error = failed(create(&bench)?.with_history([turn]).start())?;
    same(error.kind(), ErrorKind::Invalid)?;
    among("ole", error.to_string())?;
    same(bench.requests("").len(), 0)
}

async fn config_of_all(bench: Bench) -> anyhow::Result<()> {
    let config = config(json!({
        "temperature": 0.25, "systemInstruction": {"parts": [{"text": "Be brief."}]},
    }))?;
    let mut chat = create(&bench)?.set_config(config).start()?;
    for message in ["Hello", "Hello again"] {
        say(&mut chat, message).await?;
        let last = bench.last(GENERATE)?;
        same(sent(&last, "/generationConfig/temperature"), 0.25)?;
        same(sent(&last, "/systemInstruction/parts/0/text"), "Be brief.")?;
    }
    Ok(())
}

async fn config_of_one(bench: Bench) -> anyhow::Result<()> {
    let usual = config(json!({"temperature": 0.25, "topK": 3.0}))?;
    let mut chat = create(&bench)?.set_config(usual).start()?;
    let message = chat.send_message("Hello");
    let message = message.set_config(config(json!({"temperature": 0.75}))?);
    message.send().await?;
    let sent = bench.sent(GENERATE, "/generationConfig")?;
    same(sent, json!({"temperature": 0.75}))?;
    say(&mut chat, "Hello again").await?;
    same(bench.sent(GENERATE, "/generationConfig/temperature")?, 0.25)
}

async fn usage(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    let mut counts = Vec::new();
    for message in [PARROTS, ASKED] {
        let reply = chat.send_message(message).send().await?.into_body();
        let usage = reply.usage_metadata.unwrap_or_default();
        counts.push((usage.prompt_token_count, usage.total_token_count));
    }
    ensure!(counts[1].0 > counts[0].1, "{counts:?}");
    Ok(())
}

async fn failure(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    say(&mut chat, PARROTS).await?;
    bench.fault(&json!({"kind": "unavailable", "at_most": 1}))?;
    let error = refused(chat.send_message(ASKED).send().await, 503, "")?;
    same(status_of(&error), "UNAVAILABLE")?;
    same(chat.history().len(), 2)?;
    among(PARROTS, say(&mut chat, ASKED).await?)?;
    same(chat.history().len(), 4)
}

async fn not_sent_again(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    say(&mut chat, PARROTS).await?;
    let reply = chat.send_message("Where is the plum?").send().await?;
    let feedback = reply.into_body().prompt_feedback.unwrap_or_default();
    same(feedback.block_reason, Some(BlockedReason::Safety))?;
    same(chat.history().len(), 4)?;
    same(chat.curated_history().len(), 2)?;
    say(&mut chat, ASKED).await?;
    same(sent_turns(&bench)?, 3)
}

async fn curated(bench: Bench) -> anyhow::Result<()> {
    let history = [
        Content::user(PARROTS),
        Content::model("How nice."),
        Content::user("And then?"),
        Content::new().set_role(Role::Model),
    ];
    let chat = create(&bench)?.with_history(history.clone()).start()?;
    same(chat.history().len(), 4)?;
    same(chat.curated_history(), &history[..2])
}

async fn runs(bench: Bench) -> anyhow::Result<()> {
    let weather = Weather::default();
    let chat = create(&bench)?.with_functions(weather.function(None));
    let mut chat = chat.start()?;
    among("rain until noon", say(&mut chat, WEATHER).await?)?;
    same(weather.asked(), ["Boston"])?;
    let history = serde_json::to_value(chat.history())?;
    let at = |pointer: &str| history.pointer(pointer).cloned().unwrap_or(Value::Null);
    let roles: Vec<Value> = (0..4).map(|n| at(&format!("/{n}/role"))).collect();
    same(roles, ["user", "model", "user", "model"].map(Value::from))?;
    same(at("/1/parts/0/functionCall/name"), "get_weather")?;
    let response = at("/2/parts/0/functionResponse/response");
    same(response, json!({"result": "rain until noon"}))
}

async fn streams(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    let message = vec![Part::text(DOCUMENT.as_str()), Part::text(QUESTION)];
    let chunks = stream(&mut chat, message).await?;
    ensure!(chunks.len() > 1, "one chunk");
    among(FACT, text(&chunks))?;
    let last = chunks.last().and_then(|chunk| chunk.finish_reason());
    same(last, Some(&FinishReason::Stop))?;
    same(bench.requests(":streamGenerateContent").len(), 1)
}

async fn remembers_stream(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    stream(&mut chat, PARROTS).await?;
    let chunks = stream(&mut chat, ASKED).await?;
    among(PARROTS, text(&chunks))?;
    let history = chat.curated_history().iter();
    same(history.filter(|turn| !turn.is_model()).count(), 2)
}

async fn runs_in_stream(bench: Bench) -> anyhow::Result<()> {
    let weather = Weather::default();
    let chat = create(&bench)?.with_functions(weather.function(None));
    let chunks = stream(&mut chat.start()?, WEATHER).await?;
    same(weather.asked(), ["Boston"])?;
    among("rain until noon", text(&chunks))
}

async fn failure_of_stream(bench: Bench) -> anyhow::Result<()> {
    let mut chat = create(&bench)?.start()?;
    stream(&mut chat, PARROTS).await?;
    let before = chat.history().len();
    bench.fault(&json!({"kind": "unavailable", "at_most": 1}))?;
    refused(stream(&mut chat, ASKED).await, 503, "")?;
    same(chat.history().len(), before)
}
