//! The same handbook for many requests: one context cache where there are any, and the whole text
//! where there are none. Without a key in the environment the emulator answers, in this process.

mod support;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{Write as _, stdout};

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::Creation;

const MODEL: &str = "gemini-2.5-flash";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _emulator) = support::connect().await?;
    let mut out = stdout();
    let handbook = "A cache lives for an hour unless it is told otherwise. ".repeat(400);
    let question = "How long does a cache live?";

    let caches = client.caches();
    writeln!(out, "{:?}", caches.support(MODEL)?)?;
    let create = caches.create(MODEL).set_contents([handbook.as_str()]);
    let creation = create.clone().set_ttl("600s").send_if_supported().await?;
    let call = client.models().generate_content(MODEL);
    let call = match &creation {
        Creation::Unavailable(why) => {
            writeln!(out, "without a cache: {why}")?;
            call.set_contents([handbook.as_str(), question])
        }
        cache => call
            .set_cached_content(cache.name().unwrap_or_default())
            .set_contents([question]),
    };
    let reply = call.send().await?;
    let usage = reply.body().usage_metadata.as_deref();
    let cached = usage.and_then(|usage| usage.cached_content_token_count);
    writeln!(out, "{cached:?} tokens read from a cache")?;

    if creation.name().is_none() {
        return Ok(());
    }
    // Ten tasks that need the same cache make one.
    let calls = (0..10).map(|_| create.clone());
    let mut names: BTreeSet<String> = creation.name().map(str::to_owned).into_iter().collect();
    for made in caches.create_many(calls).send().await {
        names.extend(made?.into_body().name);
    }
    writeln!(out, "the caches of eleven tasks: {names:?}")?;

    let mut list = caches.list().items();
    while let Some(cache) = list.try_next().await? {
        // There may be caches of others, which are none of our business.
        let name = cache.name.unwrap_or_default();
        if names.contains(&name) {
            writeln!(out, "deleting {name}")?;
            caches.delete(name).send().await?;
        }
    }
    Ok(())
}
