//! Generation whole, token counts, and what is known of models.

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::types::gemini::{
    Content, FinishReason, MediaModality, Model, Part, TrafficType,
};
use serde_json::json;

use super::bench::{
    DOCUMENT, FACT, GENERATE, MODEL, PARENT, QUESTION, among, never_sent, refused, same, status_of,
};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    for (row, contents) in contents() {
        let counted = contents.clone();
        let mut generate = cases.group(Backend::BOTH, "models.generate_content");
        generate.add(format!("contents:{row}"), move |bench| {
            answers_from(bench, contents.clone())
        });
        let mut count = cases.group(Backend::BOTH, "models.count_tokens");
        count.add(format!("contents:{row}"), move |bench| {
            counts_alike(bench, counted.clone())
        });
    }
    for (on, row, name) in model_names() {
        let named = name.clone();
        let mut generate = cases.group(on, "models.generate_content");
        generate.add(format!("model:{row}"), move |bench| {
            generates_with(bench, name.clone())
        });
        if row.starts_with("short") || row.starts_with("with") {
            let mut get = cases.group(on, "models.get");
            get.add(format!("name:{row}"), move |bench| {
                gets(bench, named.clone())
            });
        }
    }
    let mut generate = cases.group(Backend::ALL, "models.generate_content");
    generate.add("reply", reply);
    let mut generate = cases.group(Backend::BOTH, "models.generate_content");
    generate.add("usage", usage);
    generate.add("headers", headers);
    generate.add("unknown model", generates_with_unknown);
    generate.add("nothing to say", nothing_to_say);
    let slow = Settings {
        requests_per_minute: Some(2),
        ..Settings::default()
    };
    generate.add_with(&slow, "too often", too_often);
    let tiny = Settings {
        models: vec![("gemini-tiny".to_owned(), 100)],
        ..Settings::default()
    };
    let mut generate = cases.group(Backend::DEVELOPER, "models.generate_content");
    generate.add_with(&tiny, "too long", too_long);

    let mut count = cases.group(Backend::BOTH, "models.count_tokens");
    count.add("unknown model", counts_with_unknown);
    let mut count = cases.group(Backend::PROJECT, "models.count_tokens");
    count.add("instructions and tools", counts_instructions);
    let mut count = cases.group(Backend::DEVELOPER, "models.count_tokens");
    count.add("instructions refused", counts_no_instructions);

    let mut get = cases.group(Backend::BOTH, "models.get");
    get.add("unknown model", gets_unknown);
    let mut get = cases.group(Backend::DEVELOPER, "models.get");
    get.add("card", card);

    let mut list = cases.group(Backend::BOTH, "models.list");
    for size in [1, 4, 1000] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut list = cases.group(Backend::DEVELOPER, "models.list");
    list.add("page by page", page_by_page);
    list.add("settings", list_settings);
    list.add("bad page token", bad_page_token);
}

/// The same question in every form it can be asked. A turn in JSON is ours for a dictionary.
fn contents() -> Vec<(&'static str, Vec<Content>)> {
    let document = || Part::text(DOCUMENT.as_str());
    let question = || Part::text(QUESTION);
    let turns = json!({"role": "user", "parts": [{"text": *DOCUMENT}, {"text": QUESTION}]});
    let turn = || Content::from(vec![document(), question()]);
    vec![
        (
            "a text",
            vec![Content::user(format!("{}\n\n{QUESTION}", *DOCUMENT))],
        ),
        (
            "texts",
            vec![Content::from([DOCUMENT.as_str(), QUESTION].map(Part::text))],
        ),
        ("parts", vec![turn()]),
        (
            "text and part",
            vec![Content::from(vec![
                Part::from(DOCUMENT.as_str()),
                question(),
            ])],
        ),
        ("a content", vec![turn()]),
        (
            "a dictionary",
            serde_json::from_value(turns).into_iter().collect(),
        ),
        (
            "contents",
            vec![Content::user(DOCUMENT.as_str()), Content::user(QUESTION)],
        ),
        (
            "turns of both",
            vec![
                Content::user(DOCUMENT.as_str()),
                Content::model("Noted."),
                Content::user(QUESTION),
            ],
        ),
    ]
}

fn model_names() -> Vec<(&'static [Backend], &'static str, String)> {
    vec![
        (Backend::DEVELOPER, "short name", MODEL.to_owned()),
        (
            Backend::DEVELOPER,
            "with its collection",
            format!("models/{MODEL}"),
        ),
        (Backend::PROJECT, "short name", MODEL.to_owned()),
        (
            Backend::PROJECT,
            "with its publisher",
            format!("publishers/google/models/{MODEL}"),
        ),
        (
            Backend::PROJECT,
            "publisher and name",
            format!("google/{MODEL}"),
        ),
        (
            Backend::PROJECT,
            "whole name",
            format!("{PARENT}/publishers/google/models/{MODEL}"),
        ),
    ]
}

async fn answers_from(bench: Bench, contents: Vec<Content>) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_content(MODEL);
    let reply = call.set_contents(contents).send().await?;
    among(FACT, reply.body().text().unwrap_or_default())?;
    let sent = bench.sent(GENERATE, "/contents")?;
    let roles = sent.as_array().context("no contents")?;
    ensure!(
        roles
            .iter()
            .all(|turn| turn["role"] == "user" || turn["role"] == "model"),
        "{sent}"
    );
    Ok(())
}

async fn counts_alike(bench: Bench, contents: Vec<Content>) -> anyhow::Result<()> {
    let models = bench.client()?.models();
    let counted = models.count_tokens(MODEL).set_contents(contents.clone());
    let counted = counted.send().await?.into_body().total_tokens;
    let reply = models.generate_content(MODEL).set_contents(contents);
    let usage = reply.send().await?.into_body().usage_metadata;
    same(counted, usage.context("no usage")?.prompt_token_count)
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let reply = bench.generate(&[&DOCUMENT, QUESTION])?.send().await?;
    let reply = reply.into_body();
    among(FACT, reply.text().unwrap_or_default())?;
    let first = reply.candidates.first().context("no candidate")?;
    ensure!(
        first
            .content
            .as_ref()
            .is_some_and(|content| content.is_model())
    );
    same(reply.finish_reason(), Some(&FinishReason::Stop))?;
    same(reply.model_version.as_deref(), Some(MODEL))?;
    ensure!(reply.response_id.is_some_and(|id| !id.is_empty()));
    same(reply.create_time.is_some(), bench.is_vertex())
}

async fn usage(bench: Bench) -> anyhow::Result<()> {
    let reply = bench.generate(&[&DOCUMENT, QUESTION])?.send().await?;
    let usage = reply.into_body().usage_metadata.context("no usage")?;
    let prompt = usage.prompt_token_count.context("no count")?;
    let answer = usage.candidates_token_count.context("no count")?;
    same(usage.total_token_count, Some(prompt + answer))?;
    let details = usage.prompt_tokens_details.first().context("no details")?;
    same(details.modality.as_ref(), Some(&MediaModality::Text))?;
    same(details.token_count, Some(prompt))?;
    same(usage.cached_content_token_count, None::<i32>)?;
    let on_demand = bench.is_vertex().then_some(TrafficType::OnDemand);
    same(usage.traffic_type, on_demand)
}

async fn headers(bench: Bench) -> anyhow::Result<()> {
    let reply = bench.generate(&["Hi"])?.send().await?;
    let kind = reply.headers().get("content-type").context("no header")?;
    among("application/json", kind.to_str()?)
}

async fn generates_with(bench: Bench, model: String) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_content(model);
    let reply = call.set_contents(["Hi"]).send().await?;
    same(reply.body().model_version.as_deref(), Some(MODEL))?;
    let expected = format!("/models/{MODEL}:generateContent");
    among(&expected, bench.last("")?.path())
}

async fn generates_with_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_content("gemini-none");
    let outcome = call.set_contents(["Hi"]).send().await;
    let error = refused(outcome, 404, "gemini-none")?;
    same(status_of(&error), "NOT_FOUND")
}

async fn nothing_to_say(bench: Bench) -> anyhow::Result<()> {
    let error = refused(bench.generate(&[])?.send().await, 400, "contents")?;
    same(status_of(&error), "INVALID_ARGUMENT")
}

async fn too_long(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_content("gemini-tiny");
    let outcome = call.set_contents([DOCUMENT.as_str()]).send().await;
    refused(outcome, 400, "exceeds the maximum number of tokens").map(|_| ())
}

async fn too_often(bench: Bench) -> anyhow::Result<()> {
    for _ in 0..2 {
        bench.generate(&["Hi"])?.send().await?;
    }
    let error = refused(bench.generate(&["Hi"])?.send().await, 429, "")?;
    same(status_of(&error), "RESOURCE_EXHAUSTED")?;
    ensure!(error.is_rate_limited());
    same(error.retry_after().is_some(), !bench.is_vertex())
}

async fn counts_instructions(bench: Bench) -> anyhow::Result<()> {
    let count = || -> anyhow::Result<_> {
        let call = bench.client()?.models().count_tokens(MODEL);
        Ok(call.set_contents(["Hello"]))
    };
    let plain = count()?.send().await?.into_body().total_tokens;
    let tool =
        serde_json::from_value(json!({"functionDeclarations": [{"name": "set_thermostat"}]}))?;
    let more = count()?
        .set_system_instruction("Answer briefly.")
        .set_tools([tool]);
    ensure!(more.send().await?.into_body().total_tokens > plain);
    let instruction = bench.sent(":countTokens", "/systemInstruction/parts/0/text")?;
    same(instruction, "Answer briefly.")
}

async fn counts_no_instructions(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().count_tokens(MODEL);
    let call = call
        .set_contents(["Hello"])
        .set_system_instruction("Answer briefly.");
    never_sent(call.send().await, "systemInstruction")?;
    same(bench.requests("").len(), 0)
}

async fn counts_with_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().count_tokens("gemini-none");
    let outcome = call.set_contents(["Hi"]).send().await;
    let error = refused(outcome, 404, "gemini-none")?;
    same(status_of(&error), "NOT_FOUND")
}

async fn gets(bench: Bench, name: String) -> anyhow::Result<()> {
    let model = bench.client()?.models().get(name).send().await?;
    let name = model.into_body().name.unwrap_or_default();
    ensure!(name.ends_with(&format!("models/{MODEL}")), "{name}");
    Ok(())
}

async fn card(bench: Bench) -> anyhow::Result<()> {
    let model = bench
        .client()?
        .models()
        .get(MODEL)
        .send()
        .await?
        .into_body();
    let limits = (model.input_token_limit, model.output_token_limit);
    same(limits, (Some(1_048_576), Some(65_536)))?;
    same(model.display_name.as_deref(), Some("Gemini 2.5 Flash"))?;
    let actions = model.supported_generation_methods;
    ensure!(
        actions.contains(&"createCachedContent".to_owned()),
        "{actions:?}"
    );
    let sampling = (model.temperature, model.top_p);
    same(sampling, (Some(1.0), Some(0.95)))?;
    same(model.top_k.map(f64::from), Some(64.0))?;
    same(model.thinking, Some(true))
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let outcome = bench.client()?.models().get("gemini-none").send().await;
    let error = refused(outcome, 404, "gemini-none")?;
    same(status_of(&error), "NOT_FOUND")
}

async fn lists(bench: Bench, size: i32) -> anyhow::Result<()> {
    let list = || -> anyhow::Result<_> { Ok(bench.client()?.models().list().set_page_size(size)) };
    let mut pages = std::pin::pin!(list()?.items().pages());
    let first = pages.next().await.context("no page")??;
    let models: Vec<Model> = list()?.items().try_collect().await?;
    let mut names: Vec<_> = models.into_iter().filter_map(|model| model.name).collect();
    same(first.items.len(), usize::try_from(size)?.min(names.len()))?;
    let listed = names.len();
    names.sort();
    names.dedup();
    same((names.len(), listed > 10), (listed, true))?;
    ensure!(names.iter().any(|name| name.ends_with(MODEL)), "{names:?}");
    Ok(())
}

async fn page_by_page(bench: Bench) -> anyhow::Result<()> {
    let list = bench.client()?.models().list().set_page_size(10);
    let mut pages = std::pin::pin!(list.items().pages());
    let first = pages.next().await.context("no page")??;
    same(first.items.len(), 10)?;
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page?.items.len());
    }
    let last = sizes.pop().context("no second page")?;
    ensure!((1..=10).contains(&last), "{last}");
    ensure!(sizes.iter().all(|size| *size == 10), "{sizes:?}");
    Ok(())
}

async fn list_settings(bench: Bench) -> anyhow::Result<()> {
    let list = bench.client()?.models().list();
    let list = list.set_page_size(3).set_filter("a=b");
    list.items().next().await.context("no model")??;
    let query = bench.last("models")?.query().to_vec();
    for (name, value) in [("pageSize", "3"), ("filter", "a=b")] {
        ensure!(
            query.iter().any(|(key, of)| key == name && of == value),
            "{query:?}"
        );
    }
    Ok(())
}

async fn bad_page_token(bench: Bench) -> anyhow::Result<()> {
    let list = bench.client()?.models().list().set_page_token("nonsense");
    let outcome = list.items().try_collect::<Vec<_>>().await;
    refused(outcome, 400, "page token").map(|_| ())
}
