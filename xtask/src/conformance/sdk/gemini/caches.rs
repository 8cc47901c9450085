//! Cached contents: made, read, listed, changed and used.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::Error;
use gimmal_client::gemini::{CreateCache, GenerateContent, ListCachesCall};
use gimmal_client::types::gemini::{CachedContent, Content, MediaModality, Part};
use gimmal_client::types::{Timestamp, WireDuration};
use serde_json::json;

use super::bench::{
    DOCUMENT, FACT, GENERATE, MODEL, PARENT, among, chunks, never_sent, refused, same, sent,
    status_of, text,
};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const CACHES: &str = "cachedContents";
const ASKED: &str = "Where are the spare keys?";
const KMS_KEY: &str = "projects/p/locations/l/keyRings/r/cryptoKeys/k";

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings {
        manual_clock: true,
        ..Settings::default()
    };
    let mut create = cases.group(Backend::BOTH, "caches.create");
    create.add("reply", reply);
    for (row, seconds) in [
        ("one minute", "60s"),
        ("a fraction", "90.5s"),
        ("a day", "86400s"),
    ] {
        create.add(format!("ttl:{row}"), move |bench| ttl(bench, seconds));
    }
    for (row, seconds) in [("zero", "0s"), ("negative", "-5s")] {
        create.add(format!("bad ttl:{row}"), move |bench| {
            bad_ttl(bench, seconds)
        });
    }
    for (row, time) in [
        ("UTC", "2031-05-04T03:02:01.5Z"),
        ("an offset", "2031-05-04T03:02:01.5+02:00"),
    ] {
        create.add(format!("expire time:{row}"), move |bench| {
            expires(bench, time)
        });
    }
    create.add("expire time in the past", expired_already);
    for (row, contents) in contents() {
        create.add(format!("contents:{row}"), move |bench| {
            keeps(bench, contents.clone())
        });
    }
    create.add("instructions and tools", instructions);
    create.add("too small", too_small);
    create.add("unknown model", unknown_model);
    create.add("long display name", long_name);
    for (row, short) in [("whole name", false), ("short name", true)] {
        create.add(format!("used by a generation:{row}"), move |bench| {
            generates(bench, short)
        });
    }
    create.add("used by a stream", streams);
    create.add("used by a chat", chats);
    create.add("functions of the cache", functions);
    create.add("used with another model", another_model);
    create.add("used when it is gone", used_when_gone);
    create.add_with(&standing, "used when it has expired", used_when_expired);
    let mut create = cases.group(Backend::PROJECT, "caches.create");
    create.add("key of the customer's", customer_key);
    let mut create = cases.group(Backend::DEVELOPER, "caches.create");
    create.add("key of the customer's refused", no_customer_key);
    let full = Settings {
        cache_storage_limit: Some(0),
        ..Settings::default()
    };
    create.add_with(&full, "no room", no_room);

    let mut get = cases.group(Backend::BOTH, "caches.get");
    get.add("name:whole", |bench| gets(bench, false));
    get.add("name:short", |bench| gets(bench, true));
    get.add("unknown", gets_unknown);
    get.add_with(&standing, "expired", gets_expired);
    let mut get = cases.group(Backend::DEVELOPER, "caches.get");
    get.add("somebody else's", gets_foreign);

    let mut list = cases.group(Backend::BOTH, "caches.list");
    list.add("empty", lists_nothing);
    for size in [1, 2, 5, 9] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    list.add("page by page", page_by_page);
    list.add("settings", list_settings);

    let mut update = cases.group(Backend::BOTH, "caches.update");
    update.add("ttl", updates_ttl);
    update.add("expire time", updates_expiry);
    update.add("unknown", updates_unknown);
    let mut delete = cases.group(Backend::BOTH, "caches.delete");
    delete.add("gone afterwards", deletes);
    delete.add("unknown", deletes_unknown);
}

fn contents() -> Vec<(&'static str, Vec<Content>)> {
    let document = || Content::user(DOCUMENT.as_str());
    vec![
        ("a text", vec![Content::from(DOCUMENT.as_str())]),
        (
            "texts",
            vec![Content::from(
                [DOCUMENT.as_str(), "Ask at the desk."].map(Part::text),
            )],
        ),
        ("a part", vec![Content::from(Part::text(DOCUMENT.as_str()))]),
        ("a content", vec![document()]),
        ("turns of both", vec![document(), Content::model("Noted.")]),
    ]
}

fn create(bench: &Bench) -> anyhow::Result<CreateCache> {
    let call = bench.client()?.caches().create(MODEL);
    Ok(call.set_contents([DOCUMENT.as_str()]))
}

/// A cache with a name.
async fn made(call: CreateCache) -> anyhow::Result<(CachedContent, String)> {
    let cache = call.send().await?.into_body();
    let name = cache.name.clone().context("no name")?;
    Ok((cache, name))
}

/// How long a cache lives.
fn lives(cache: &CachedContent) -> anyhow::Result<Duration> {
    let created = cache.create_time.context("no time")?.to_system_time();
    let expires = cache.expire_time.context("no time")?.to_system_time();
    Ok(expires.duration_since(created)?)
}

/// The last part of a name.
fn short(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// The refusal of a cache that is not there.
fn gone<T>(bench: &Bench, outcome: Result<T, Error>) -> anyhow::Result<()> {
    let (code, status) = if bench.is_vertex() {
        (404, "NOT_FOUND")
    } else {
        (403, "PERMISSION_DENIED")
    };
    let error = refused(outcome, code, "")?;
    same(status_of(&error), status)
}

/// The refusal of a cache whose time is over.
fn expired<T>(bench: &Bench, outcome: Result<T, Error>) -> anyhow::Result<()> {
    let code = if bench.is_vertex() { 400 } else { 403 };
    refused(outcome, code, "").map(|_| ())
}

fn asks(bench: &Bench, cache: &str) -> anyhow::Result<GenerateContent> {
    Ok(bench.generate(&[ASKED])?.set_cached_content(cache))
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let (cache, name) = made(create(&bench)?.set_display_name("hotel")).await?;
    let parent = if bench.is_vertex() {
        format!("{PARENT}/")
    } else {
        String::new()
    };
    ensure!(name.starts_with(&format!("{parent}{CACHES}/")), "{name}");
    same(cache.model.as_deref(), Some(bench.model_name().as_str()))?;
    same(cache.display_name.as_deref(), Some("hotel"))?;
    same(lives(&cache)?, Duration::from_secs(3600))?;
    same(cache.update_time, cache.create_time)?;
    let usage = cache.usage_metadata.context("no usage")?;
    ensure!(usage.total_token_count > Some(2048));
    Ok(())
}

async fn ttl(bench: Bench, seconds: &str) -> anyhow::Result<()> {
    let ttl: WireDuration = seconds.parse()?;
    let (cache, _) = made(create(&bench)?.set_ttl(ttl)).await?;
    same(lives(&cache)?, Duration::from(ttl))?;
    same(bench.sent(CACHES, "/ttl")?, seconds)
}

/// A negative one is no value here; zero is one, and the service refuses it.
async fn bad_ttl(bench: Bench, seconds: &str) -> anyhow::Result<()> {
    let Ok(ttl) = seconds.parse::<WireDuration>() else {
        return Ok(());
    };
    let outcome = create(&bench)?.set_ttl(ttl).send().await;
    never_sent(outcome, "ttl")
}

async fn expires(bench: Bench, time: &str) -> anyhow::Result<()> {
    let time: Timestamp = time.parse()?;
    let (cache, _) = made(create(&bench)?.set_expire_time(time)).await?;
    same(cache.expire_time, Some(time))
}

async fn expired_already(bench: Bench) -> anyhow::Result<()> {
    let time: Timestamp = "2021-05-04T00:00:00Z".parse()?;
    let outcome = create(&bench)?.set_expire_time(time).send().await;
    refused(outcome, 400, "expiration must be in the future").map(|_| ())
}

async fn keeps(bench: Bench, contents: Vec<Content>) -> anyhow::Result<()> {
    let call = bench.client()?.caches().create(MODEL);
    let (cache, _) = made(call.set_contents(contents)).await?;
    let sent = bench.sent(CACHES, "/contents/0/parts/0/text")?;
    same(sent, DOCUMENT.as_str())?;
    let usage = cache.usage_metadata.context("no usage")?;
    ensure!(usage.total_token_count > Some(2048));
    Ok(())
}

async fn instructions(bench: Bench) -> anyhow::Result<()> {
    let lamp = json!({"functionDeclarations": [{"name": "switch_lamp"}]});
    let mode = json!({"functionCallingConfig": {"mode": "AUTO"}});
    let call = create(&bench)?
        .set_system_instruction("Answer briefly.")
        .set_tools([serde_json::from_value(lamp)?])
        .set_tool_config(serde_json::from_value(mode)?);
    made(call).await?;
    let last = bench.last(CACHES)?;
    for (place, value) in [
        ("/systemInstruction/parts/0/text", "Answer briefly."),
        ("/tools/0/functionDeclarations/0/name", "switch_lamp"),
        ("/toolConfig/functionCallingConfig/mode", "AUTO"),
    ] {
        same(sent(&last, place), value)?;
    }
    Ok(())
}

async fn customer_key(bench: Bench) -> anyhow::Result<()> {
    made(create(&bench)?.set_kms_key_name(KMS_KEY)).await?;
    same(bench.sent(CACHES, "/encryptionSpec/kmsKeyName")?, KMS_KEY)
}

async fn no_customer_key(bench: Bench) -> anyhow::Result<()> {
    let outcome = create(&bench)?.set_kms_key_name(KMS_KEY).send().await;
    never_sent(outcome, "encryptionSpec")?;
    same(bench.requests("").len(), 0)
}

async fn too_small(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.caches().create(MODEL);
    let outcome = call.set_contents(["too little"]).send().await;
    let why = if bench.is_vertex() {
        "minimum token count"
    } else {
        "min_total_token_count=2048"
    };
    let error = refused(outcome, 400, why)?;
    same(status_of(&error), "INVALID_ARGUMENT")
}

async fn unknown_model(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.caches().create("gemini-none");
    let outcome = call.set_contents([DOCUMENT.as_str()]).send().await;
    let error = refused(outcome, 404, "gemini-none")?;
    same(status_of(&error), "NOT_FOUND")
}

async fn long_name(bench: Bench) -> anyhow::Result<()> {
    let outcome = create(&bench)?
        .set_display_name("x".repeat(129))
        .send()
        .await;
    refused(outcome, 400, "display_name").map(|_| ())
}

async fn no_room(bench: Bench) -> anyhow::Result<()> {
    let error = refused(create(&bench)?.send().await, 429, "limit=0")?;
    same(status_of(&error), "RESOURCE_EXHAUSTED")
}

async fn gets(bench: Bench, by_short_name: bool) -> anyhow::Result<()> {
    let (cache, mut name) = made(create(&bench)?.set_display_name("hotel")).await?;
    if by_short_name {
        name = short(&name);
    }
    let found = bench.client()?.caches().get(name).send().await?;
    same(found.into_body(), cache)
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.caches().get(format!("{CACHES}/123"));
    gone(&bench, call.send().await)
}

async fn gets_expired(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?.set_ttl(Duration::from_secs(60))).await?;
    let caches = bench.client()?.caches();
    bench.running.clock.advance(Duration::from_secs(59));
    let found = caches.get(&name).send().await?;
    same(found.body().name.as_deref(), Some(name.as_str()))?;
    bench.running.clock.advance(Duration::from_secs(2));
    expired(&bench, caches.get(name).send().await)
}

async fn gets_foreign(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    let stranger = bench.builder_with_key("another-key").build()?;
    gone(&bench, stranger.caches().get(name).send().await)
}

fn list(bench: &Bench) -> anyhow::Result<ListCachesCall> {
    Ok(bench.client()?.caches().list())
}

async fn lists_nothing(bench: Bench) -> anyhow::Result<()> {
    let found: Vec<CachedContent> = list(&bench)?.items().try_collect().await?;
    same(found.len(), 0)
}

async fn lists(bench: Bench, size: i32) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for n in 0..5 {
        let call = create(&bench)?.set_display_name(format!("number {n}"));
        names.push(Some(made(call).await?.1));
    }
    let mut pages = std::pin::pin!(list(&bench)?.set_page_size(size).items().pages());
    let first = pages.next().await.context("no page")??;
    same(first.items.len(), usize::try_from(size)?.min(5))?;
    let items = list(&bench)?.set_page_size(size).items();
    let mut found: Vec<_> = items.map_ok(|cache| cache.name).try_collect().await?;
    found.sort();
    names.sort();
    same(found, names)
}

async fn page_by_page(bench: Bench) -> anyhow::Result<()> {
    for _ in 0..3 {
        made(create(&bench)?).await?;
    }
    let mut pages = std::pin::pin!(list(&bench)?.set_page_size(2).items().pages());
    for expected in [2, 1] {
        let page = pages.next().await.context("no page")??;
        same(page.items.len(), expected)?;
    }
    ensure!(pages.next().await.is_none(), "a page after the last");
    Ok(())
}

async fn list_settings(bench: Bench) -> anyhow::Result<()> {
    let items = list(&bench)?.set_page_size(7).items();
    let _: Vec<CachedContent> = items.try_collect().await?;
    let last = bench.last(CACHES)?;
    let size = last.query().iter().find(|(name, _)| name == "pageSize");
    same(size.map(|(_, size)| size.as_str()), Some("7"))
}

async fn updates_ttl(bench: Bench) -> anyhow::Result<()> {
    let (cache, name) = made(create(&bench)?.set_ttl(Duration::from_secs(600))).await?;
    let update = bench.client()?.caches().update(&name);
    let update = update.set_ttl(Duration::from_secs(7200));
    let updated = update.send().await?.into_body();
    ensure!(updated.expire_time > cache.expire_time);
    same(updated.name, Some(name))?;
    let last = bench.last(CACHES)?;
    same(last.method().as_str(), "PATCH")?;
    same(sent(&last, "/ttl"), "7200s")
}

async fn updates_expiry(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    let time: Timestamp = "2031-05-04T03:02:01.5Z".parse()?;
    let caches = bench.client()?.caches();
    let updated = caches.update(&name).set_expire_time(time).send().await?;
    same(updated.body().expire_time, Some(time))?;
    let found = caches.get(name).send().await?;
    same(found.body().expire_time, Some(time))
}

async fn updates_unknown(bench: Bench) -> anyhow::Result<()> {
    let update = bench.client()?.caches().update(format!("{CACHES}/123"));
    gone(&bench, update.set_ttl(Duration::from_secs(60)).send().await)
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    let caches = bench.client()?.caches();
    caches.delete(&name).send().await?;
    gone(&bench, caches.get(name).send().await)?;
    lists_nothing(bench).await
}

async fn deletes_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.caches().delete(format!("{CACHES}/123"));
    gone(&bench, call.send().await)
}

async fn generates(bench: Bench, by_short_name: bool) -> anyhow::Result<()> {
    let call = create(&bench)?.set_system_instruction("Answer briefly.");
    let (cache, name) = made(call).await?;
    let given = if by_short_name {
        short(&name)
    } else {
        name.clone()
    };
    let reply = asks(&bench, &given)?.send().await?.into_body();
    among(FACT, reply.text().unwrap_or_default())?;
    same(bench.sent(GENERATE, "/cachedContent")?, name)?;
    let usage = reply.usage_metadata.context("no usage")?;
    let kept = cache.usage_metadata.context("no usage")?.total_token_count;
    same(usage.cached_content_token_count, kept)?;
    ensure!(usage.prompt_token_count > kept);
    let details = usage.cache_tokens_details.first().context("no details")?;
    same(details.modality.as_ref(), Some(&MediaModality::Text))
}

async fn streams(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    let chunks = chunks(asks(&bench, &name)?).await?;
    among(FACT, text(&chunks))?;
    let last = chunks.into_iter().next_back().context("no chunk")?;
    let usage = last.usage_metadata.context("no usage")?;
    ensure!(usage.cached_content_token_count > Some(0));
    Ok(())
}

async fn chats(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    let config = super::bench::config(json!({"cachedContent": name}))?;
    let chat = bench.client()?.chats().create(MODEL).set_config(config);
    let mut chat = chat.start()?;
    for _ in 0..2 {
        let reply = chat.send_message(ASKED).send().await?;
        among(FACT, reply.body().text().unwrap_or_default())?;
    }
    Ok(())
}

async fn functions(bench: Bench) -> anyhow::Result<()> {
    let lamp = json!({"functionDeclarations": [{"name": "switch_lamp"}]});
    let call = create(&bench)?.set_tools([serde_json::from_value(lamp)?]);
    let (_, name) = made(call).await?;
    let call = bench.generate(&["Please call switch_lamp."])?;
    let reply = call.set_cached_content(name).send().await?.into_body();
    let calls: Vec<_> = reply
        .function_calls()
        .map(|call| call.name.clone())
        .collect();
    same(calls, [Some("switch_lamp".to_owned())])
}

async fn another_model(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    let call = bench.client()?.models().generate_content("gemini-2.5-pro");
    let call = call.set_contents(["Hi"]).set_cached_content(name);
    refused(call.send().await, 400, "has to be the same").map(|_| ())
}

async fn used_when_gone(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?).await?;
    bench.client()?.caches().delete(&name).send().await?;
    gone(&bench, asks(&bench, &name)?.send().await)
}

async fn used_when_expired(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(create(&bench)?.set_ttl(Duration::from_secs(60))).await?;
    bench.running.clock.advance(Duration::from_secs(61));
    expired(&bench, asks(&bench, &name)?.send().await)
}
