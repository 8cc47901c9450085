//! What a generation may be asked for beside its contents: settings, instructions, schemas.

use anyhow::{Context as _, ensure};
use gimmal_client::types::gemini::{
    BlockedReason, Content, FinishReason, GenerateContentConfig, GenerateContentResponse,
    MediaModality, Part, Schema, Type,
};
use serde_json::{Value, json};

use super::bench::{
    DOCUMENT, FACT, GENERATE, MODEL, QUESTION, among, config, refused, same, status_of,
};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

/// Settings that are taken: the name in Python, the one on the wire, the value.
const TAKEN: &[(&str, &str, &str)] = &[
    ("temperature", "temperature", "0.5"),
    ("top_p", "topP", "0.75"),
    ("top_k", "topK", "40.0"),
    ("candidate_count", "candidateCount", "2"),
    ("max_output_tokens", "maxOutputTokens", "64"),
    ("seed", "seed", "7"),
    ("presence_penalty", "presencePenalty", "0.5"),
    ("frequency_penalty", "frequencyPenalty", "-0.5"),
    ("stop_sequences", "stopSequences", r#"["END"]"#),
    ("response_logprobs", "responseLogprobs", "true"),
    ("logprobs", "logprobs", "3"),
    (
        "response_mime_type",
        "responseMimeType",
        r#""application/json""#,
    ),
    ("response_modalities", "responseModalities", r#"["TEXT"]"#),
    (
        "media_resolution",
        "mediaResolution",
        r#""MEDIA_RESOLUTION_LOW""#,
    ),
];

/// Settings that are refused.
const OUT_OF_RANGE: &[(&str, &str, &str)] = &[
    ("candidate_count", "candidateCount", "9"),
    ("max_output_tokens", "maxOutputTokens", "0"),
    ("temperature", "temperature", "2.5"),
    ("top_p", "topP", "-1"),
    ("top_k", "topK", "0"),
    ("presence_penalty", "presencePenalty", "3"),
    ("frequency_penalty", "frequencyPenalty", "-3"),
    (
        "stop_sequences",
        "stopSequences",
        r#"["a", "b", "c", "d", "e", "f"]"#,
    ),
    ("response_mime_type", "responseMimeType", r#""image/png""#),
];

const CATEGORIES: &[(&str, &str)] = &[
    ("harassment", "HARM_CATEGORY_HARASSMENT"),
    ("hate speech", "HARM_CATEGORY_HATE_SPEECH"),
    ("sexually explicit", "HARM_CATEGORY_SEXUALLY_EXPLICIT"),
    ("dangerous content", "HARM_CATEGORY_DANGEROUS_CONTENT"),
];

/// The shape of an answer in the service's schema subset, and as JSON Schema.
const SCHEMAS: &[(&str, &str, [&str; 3])] = &[
    (
        "a dictionary",
        "responseSchema",
        ["OBJECT", "STRING", "INTEGER"],
    ),
    (
        "JSON Schema",
        "responseJsonSchema",
        ["object", "string", "integer"],
    ),
];

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Room {
    r#where: String,
    windows: i32,
}

pub(super) fn add(cases: &mut Cases) {
    let mut generate = cases.group(Backend::BOTH, "models.generate_content");
    for (name, wire, value) in TAKEN {
        generate.add(format!("setting:{name}"), |bench| taken(bench, wire, value));
    }
    for (name, wire, value) in OUT_OF_RANGE {
        generate.add(format!("out of range:{name}"), |bench| {
            out_of_range(bench, name, wire, value)
        });
    }
    for (row, category) in CATEGORIES {
        generate.add(format!("safety settings:{row}"), |bench| {
            safety(bench, category)
        });
    }
    for (row, instruction) in [
        ("a text", Content::from("Answer briefly.")),
        ("a content", Content::text("Answer briefly.")),
        ("a part", Content::from(Part::text("Answer briefly."))),
    ] {
        generate.add(format!("system instruction:{row}"), move |bench| {
            instructed(bench, instruction.clone())
        });
    }
    for (row, member, types) in SCHEMAS {
        generate.add(format!("schema:{row}"), |bench| {
            schema(bench, member, types)
        });
    }
    generate.add("schema:a record", schema_record);
    let blocked = Settings {
        blocked_phrases: vec!["forbidden fruit".to_owned()],
        ..Settings::default()
    };
    generate.add_with(&blocked, "blocked prompt", blocked_prompt);
    generate.add("cut at the limit", cut);
    generate.add("several candidates", several);
    generate.add("stopped at a sequence", stopped);
    generate.add("thoughts", thoughts);
    generate.add("hidden thoughts", hidden_thoughts);
    generate.add("picture beside text", picture);
    generate.add("schema of a type", typed);
    generate.add("schema of a list", typed_list);
    generate.add("one of several", one_of_several);
    generate.add("schema without its media type", schema_alone);

    let mut generate = cases.group(Backend::PROJECT, "models.generate_content");
    generate.add("labels", labels);
    generate.add("file beside text", file);
}

/// The reply to the texts with this config.
async fn reply(
    bench: &Bench,
    contents: &[&str],
    settings: Value,
) -> anyhow::Result<GenerateContentResponse> {
    let call = bench.generate(contents)?.set_config(config(settings)?);
    Ok(call.send().await?.into_body())
}

async fn taken(bench: Bench, wire: &str, value: &str) -> anyhow::Result<()> {
    let value: Value = serde_json::from_str(value)?;
    let reply = reply(&bench, &["Hello"], json!({ wire: value })).await?;
    ensure!(!reply.candidates.is_empty());
    let sent = bench.sent(GENERATE, &format!("/generationConfig/{wire}"))?;
    same(sent, value)
}

async fn out_of_range(bench: Bench, name: &str, wire: &str, value: &str) -> anyhow::Result<()> {
    let value: Value = serde_json::from_str(value)?;
    let config = config(json!({ wire: value }))?;
    let outcome = bench.generate(&["Hi"])?.set_config(config).send().await;
    let error = refused(outcome, 400, name)?;
    same(status_of(&error), "INVALID_ARGUMENT")
}

async fn safety(bench: Bench, category: &str) -> anyhow::Result<()> {
    let settings = json!([{"category": category, "threshold": "BLOCK_NONE"}]);
    reply(&bench, &["Hello"], json!({"safetySettings": settings})).await?;
    same(bench.sent(GENERATE, "/safetySettings")?, settings)
}

async fn instructed(bench: Bench, instruction: Content) -> anyhow::Result<()> {
    let prompt = |reply: GenerateContentResponse| {
        let usage = reply.usage_metadata.context("no usage")?;
        usage.prompt_token_count.context("no count")
    };
    let plain = prompt(bench.generate(&["Hello"])?.send().await?.into_body())?;
    let call = bench.generate(&["Hello"])?;
    let reply = call.set_system_instruction(instruction).send().await?;
    let sent = bench.sent(GENERATE, "/systemInstruction/parts/0/text")?;
    same(sent, "Answer briefly.")?;
    ensure!(prompt(reply.into_body())? > plain);
    Ok(())
}

async fn blocked_prompt(bench: Bench) -> anyhow::Result<()> {
    let call = bench.generate(&["Where grows the forbidden fruit?"])?;
    let reply = call.send().await?.into_body();
    let feedback = reply.prompt_feedback.as_ref().context("no feedback")?;
    same(feedback.block_reason.as_ref(), Some(&BlockedReason::Safety))?;
    ensure!(reply.candidates.is_empty() && reply.text().is_none());
    Ok(())
}

async fn cut(bench: Bench) -> anyhow::Result<()> {
    let settings = json!({"maxOutputTokens": 5});
    let reply = reply(&bench, &[&DOCUMENT, QUESTION], settings).await?;
    same(reply.finish_reason(), Some(&FinishReason::MaxTokens))?;
    let usage = reply.usage_metadata.context("no usage")?;
    same(usage.candidates_token_count, Some(5))
}

async fn several(bench: Bench) -> anyhow::Result<()> {
    let settings = json!({"candidateCount": 3});
    let reply = reply(&bench, &[&DOCUMENT, QUESTION], settings).await?;
    let candidates = reply.candidates.iter();
    let parts = candidates.flat_map(|one| one.content.iter().flat_map(|c| &c.parts));
    let mut texts: Vec<&str> = parts.filter_map(|part| part.text.as_deref()).collect();
    ensure!(texts.iter().all(|text| text.contains(FACT)), "{texts:?}");
    texts.sort_unstable();
    texts.dedup();
    same(texts.len(), 3)
}

async fn stopped(bench: Bench) -> anyhow::Result<()> {
    let settings = json!({"stopSequences": ["spare"]});
    let reply = reply(&bench, &[&DOCUMENT, QUESTION], settings).await?;
    let text = reply.text().unwrap_or_default();
    ensure!(!text.contains("spare"), "{text}");
    among("The night porter of the Halden hotel keeps the", text)
}

async fn labels(bench: Bench) -> anyhow::Result<()> {
    reply(&bench, &["Hello"], json!({"labels": {"team": "halden"}})).await?;
    same(bench.sent(GENERATE, "/labels/team")?, "halden")
}

async fn thoughts(bench: Bench) -> anyhow::Result<()> {
    let thinking = json!({"thinkingConfig": {"thinkingBudget": 512, "includeThoughts": true}});
    let reply = reply(&bench, &[&DOCUMENT, QUESTION], thinking).await?;
    let parts = reply.parts();
    let kinds: Vec<bool> = parts.iter().map(|p| p.thought == Some(true)).collect();
    same(kinds, [true, false])?;
    same(reply.text(), parts[1].text.clone())?;
    let usage = reply.usage_metadata.context("no usage")?;
    ensure!(usage.thoughts_token_count > Some(0));
    Ok(())
}

async fn hidden_thoughts(bench: Bench) -> anyhow::Result<()> {
    let models = bench.client()?.models();
    let config = config(json!({"thinkingConfig": {"thinkingLevel": "HIGH"}}))?;
    let call = models
        .generate_content("gemini-3-flash-preview")
        .set_config(config);
    let call = call.set_contents([DOCUMENT.as_str(), QUESTION]);
    let reply = call.send().await?.into_body();
    same(reply.parts().len(), 1)?;
    let usage = reply.usage_metadata.context("no usage")?;
    ensure!(usage.thoughts_token_count > Some(0));
    Ok(())
}

async fn picture(bench: Bench) -> anyhow::Result<()> {
    let picture = Part::inline_data(b"\x89PNG\xff\xfe\xfd".to_vec(), "image/png");
    let call = bench.client()?.models().generate_content(MODEL);
    let contents = Content::from(vec![picture, Part::text("What is this?")]);
    let reply = call.set_contents([contents]).send().await?.into_body();
    ensure!(reply.text().is_some());
    let kind = bench.sent(GENERATE, "/contents/0/parts/0/inlineData/mimeType")?;
    same(kind, "image/png")?;
    let usage = reply.usage_metadata.context("no usage")?;
    let details = usage.prompt_tokens_details.into_iter();
    let kinds: Vec<_> = details.filter_map(|of| of.modality).collect();
    for kind in [MediaModality::Text, MediaModality::Image] {
        ensure!(kinds.contains(&kind), "{kinds:?}");
    }
    same(kinds.len(), 2)
}

async fn file(bench: Bench) -> anyhow::Result<()> {
    let file = Part::file_data("gs://halden/rooms.pdf", "application/pdf");
    let call = bench.client()?.models().generate_content(MODEL);
    let contents = Content::from(vec![file, Part::text("What is this?")]);
    let reply = call.set_contents([contents]).send().await?.into_body();
    ensure!(reply.text().is_some());
    let uri = bench.sent(GENERATE, "/contents/0/parts/0/fileData/fileUri")?;
    same(uri, "gs://halden/rooms.pdf")
}

async fn schema(bench: Bench, member: &str, types: &[&str; 3]) -> anyhow::Result<()> {
    let [object, string, integer] = types;
    let schema = json!({
        "type": object, "required": ["where", "size", "count"],
        "properties": {
            "where": {"type": string},
            "size": {"type": string, "enum": ["small", "large"]},
            "count": {"type": integer, "minimum": 3, "maximum": 4},
        },
    });
    let settings = json!({"responseMimeType": "application/json", member: schema});
    let reply = reply(&bench, &[&DOCUMENT, QUESTION], settings).await?;
    let parsed: Value = reply.parsed()?;
    same(&parsed["where"], FACT)?;
    ensure!(
        parsed["size"] == "small" || parsed["size"] == "large",
        "{parsed}"
    );
    ensure!(parsed["count"] == 3 || parsed["count"] == 4, "{parsed}");
    Ok(())
}

async fn schema_record(bench: Bench) -> anyhow::Result<()> {
    let text = || Schema::new().set_value_type(Type::String);
    let schema = Schema::new()
        .set_value_type(Type::Object)
        .set_properties([("where", text()), ("author", text())])
        .set_required(["where"]);
    let config = GenerateContentConfig::new()
        .set_response_mime_type("application/json")
        .set_response_schema(schema);
    let call = bench.generate(&[&DOCUMENT, QUESTION])?.set_config(config);
    let parsed: Value = call.send().await?.body().parsed()?;
    same(&parsed["where"], FACT)
}

async fn typed(bench: Bench) -> anyhow::Result<()> {
    let call = bench.generate(&[&DOCUMENT, QUESTION])?;
    let room = call.send_as::<Room>().await?.into_body();
    same(room.r#where, FACT)?;
    same(room.windows, room.windows.abs())
}

async fn typed_list(bench: Bench) -> anyhow::Result<()> {
    let call = bench.generate(&[&DOCUMENT, QUESTION])?;
    let rooms = call.send_as::<Vec<Room>>().await?.into_body();
    ensure!(!rooms.is_empty(), "no rooms");
    Ok(())
}

async fn one_of_several(bench: Bench) -> anyhow::Result<()> {
    let schema = json!({"type": "STRING", "enum": ["small", "large"]});
    let settings = json!({"responseMimeType": "text/x.enum", "responseSchema": schema});
    let reply = reply(&bench, &["Is it large?"], settings).await?;
    same(reply.text().as_deref(), Some("large"))
}

async fn schema_alone(bench: Bench) -> anyhow::Result<()> {
    let config = config(json!({"responseSchema": {"type": "OBJECT"}}))?;
    let outcome = bench.generate(&["Hi"])?.set_config(config).send().await;
    let error = refused(outcome, 400, "response_schema")?;
    same(status_of(&error), "INVALID_ARGUMENT")
}
