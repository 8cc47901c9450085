//! `gimmal response-cache`: what a shared response cache holds, and how it is emptied.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use gimmal_cache::{
    CacheKey, DegradeReason, Lookup, RedisCache, ResponseCache as _, Selector, ServerCounters,
    TtlState,
};
use serde::Serialize;

use crate::args::{Connection, ResponseCache, Selection};
use crate::exit::Failure;
use crate::output::{self, Table, grouped};

/// Names shown to those who selected nothing.
const SHOWN: usize = 5;

/// Measurements per look of the live view.
const PROBES: usize = 20;

/// Runs one of the commands for response caches.
pub(crate) async fn run(connection: &Connection, args: ResponseCache) -> anyhow::Result<ExitCode> {
    match args {
        ResponseCache::Stats { url, watch: None } => {
            let survey = survey(&open(&url)?).await?;
            if connection.json {
                output::json(&survey)?;
            } else {
                survey.table().print()?;
            }
        }
        ResponseCache::Stats {
            url,
            watch: Some(every),
        } => watch(connection, &open(&url)?, every).await?,
        ResponseCache::Invalidate { url, selection } => {
            invalidate(connection, &open(&url)?, &selection).await?;
        }
        ResponseCache::Export { url, selection } => export(&open(&url)?, &selection).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(url: &str) -> anyhow::Result<RedisCache> {
    if url == "memory" {
        return Err(Failure::usage(
            "a cache in memory ends with its run; give the address of a Redis, such as \
             redis://localhost",
        ));
    }
    let cache = RedisCache::builder(url).build();
    cache.map_err(|error| Failure::usage(error.to_string()))
}

fn away(reason: DegradeReason) -> anyhow::Error {
    let hint = match reason {
        DegradeReason::Failed => "; a cluster cannot be listed as a whole",
        _ => "",
    };
    Failure::service(format!(
        "the store does not answer: {}{hint}",
        reason.as_str()
    ))
}

/// What a store holds.
#[derive(Debug, Serialize)]
struct Survey {
    /// Entries by namespace and operation.
    entries: BTreeMap<String, BTreeMap<String, u64>>,
    total: u64,
    server: ServerCounters,
}

async fn survey(cache: &RedisCache) -> anyhow::Result<Survey> {
    let keys = cache.keys(&Selector::All).await.map_err(away)?;
    let server = cache.server_counters().await.map_err(away)?;
    let mut entries: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for key in &keys {
        let operations = entries.entry(key.namespace().into_owned()).or_default();
        *operations.entry(key.operation().into_owned()).or_default() += 1;
    }
    Ok(Survey {
        entries,
        total: keys.len() as u64,
        server,
    })
}

impl Survey {
    fn table(&self) -> Table {
        let mut table = Table::of_values();
        let mut row = |name: String, value: String| table.row([name, value]);
        row("entries".to_owned(), grouped(self.total));
        for (namespace, operations) in &self.entries {
            for (operation, count) in operations {
                row(format!("  {namespace} / {operation}"), grouped(count));
            }
        }
        let server = &self.server;
        let ratio = server.hit_ratio_since(&ServerCounters::default());
        row(
            "server memory".to_owned(),
            format!("{} bytes", grouped(server.used_bytes)),
        );
        row("server hits".to_owned(), grouped(server.hits));
        row("server misses".to_owned(), grouped(server.misses));
        row("server hit ratio".to_owned(), percent(ratio));
        row("round trip".to_owned(), milliseconds(server.round_trip));
        table.align_right(1);
        table
    }
}

/// One line of the live view.
#[derive(Debug, Serialize)]
struct Look {
    total: u64,
    /// Of the reads since the last look, by whatever uses the server.
    hit_ratio: Option<f64>,
    p50_ms: f64,
    p95_ms: f64,
    used_bytes: u64,
}

/// Looks again and again, until Ctrl-C.
async fn watch(connection: &Connection, cache: &RedisCache, every: Duration) -> anyhow::Result<()> {
    let mut before = cache.server_counters().await.map_err(away)?;
    if !connection.json {
        output::line("  entries   hit ratio   p50 (ms)   p95 (ms)   server bytes")?;
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
        let survey = survey(cache).await?;
        let mut times = Vec::with_capacity(PROBES);
        for _ in 0..PROBES {
            let counters = cache.server_counters().await.map_err(away)?;
            times.push(counters.round_trip.as_secs_f64() * 1_000.0);
        }
        times.sort_unstable_by(f64::total_cmp);
        let look = Look {
            total: survey.total,
            hit_ratio: survey.server.hit_ratio_since(&before),
            p50_ms: times[PROBES / 2],
            p95_ms: times[PROBES * 95 / 100],
            used_bytes: survey.server.used_bytes,
        };
        before = survey.server;
        if connection.json {
            output::json_line(&look)?;
        } else {
            output::line(&format!(
                "{:>9}   {:>9}   {:>8.2}   {:>8.2}   {:>12}",
                grouped(look.total),
                percent(look.hit_ratio),
                look.p50_ms,
                look.p95_ms,
                grouped(look.used_bytes),
            ))?;
        }
    }
}

/// What the arguments select.
fn selector(selection: &Selection) -> anyhow::Result<Selector> {
    let of = |selector: Selector| match &selection.namespace {
        Some(namespace) => selector.in_namespace(namespace),
        None => selector,
    };
    Ok(match selection {
        Selection { all: true, .. } => Selector::All,
        Selection {
            operation: Some(operation),
            ..
        } => of(Selector::operation(operation.as_str())),
        Selection {
            model: Some(model), ..
        } => of(Selector::model(
            model.strip_prefix("models/").unwrap_or(model),
        )),
        Selection { tag: Some(tag), .. } => of(Selector::tag(tag.as_str())),
        Selection {
            pattern: Some(pattern),
            ..
        } => {
            let refused = |error| Failure::usage(format!("--pattern: {error}"));
            Selector::glob(pattern).map_err(refused)?
        }
        Selection {
            namespace: Some(namespace),
            ..
        } => Selector::Namespace(namespace.clone()),
        _ => {
            return Err(Failure::usage(
                "say which entries: --all, --namespace, --operation, --model, --tag or --pattern",
            ));
        }
    })
}

async fn invalidate(
    connection: &Connection,
    cache: &RedisCache,
    selection: &Selection,
) -> anyhow::Result<()> {
    let selector = selector(selection)?;
    let removed = cache.purge(&selector).await.map_err(away)?;
    if connection.json {
        return output::json(&serde_json::json!({"removed": removed}));
    }
    output::line(&match removed {
        Some(0) => format!("nothing to remove{}", elsewhere(cache, selection).await),
        Some(removed) => format!("{} entries removed", grouped(removed)),
        None => "they are not served any more; their memory is freed as they expire".to_owned(),
    })
}

/// Where there are entries, for those who meant some and named none.
async fn elsewhere(cache: &RedisCache, selection: &Selection) -> String {
    if selection.all {
        return String::new();
    }
    let survey = survey(cache)
        .await
        .map_or_else(|_| BTreeMap::new(), |it| it.entries);
    let names: Vec<String> = survey
        .iter()
        .flat_map(|(namespace, operations)| {
            let pair = move |operation| format!("{namespace} / {operation}");
            operations.keys().map(pair)
        })
        .take(SHOWN)
        .collect();
    match names.as_slice() {
        [] => ": the store is empty".to_owned(),
        names => format!(
            "; there are entries of {} (--namespace, --operation)",
            names.join(", ")
        ),
    }
}

/// Writes entries as JSON, one a line. What is not valid any more is left out.
async fn export(cache: &RedisCache, selection: &Selection) -> anyhow::Result<()> {
    if selection.model.is_some() || selection.tag.is_some() {
        return Err(Failure::usage(
            "entries are exported by name: --all, --namespace, --operation or --pattern",
        ));
    }
    let keys = cache.keys(&selector(selection)?).await.map_err(away)?;
    let mut written: u64 = 0;
    for key in &keys {
        if let Some(record) = record(cache, key).await {
            output::json_line(&record)?;
            written += 1;
        }
    }
    let hint = match written {
        0 => elsewhere(cache, selection).await,
        _ => String::new(),
    };
    writeln!(std::io::stderr(), "{} entries{hint}", grouped(written))?;
    Ok(())
}

async fn record(cache: &RedisCache, key: &CacheKey) -> Option<serde_json::Value> {
    let Lookup::Hit(hit) = cache.get(key).await else {
        return None;
    };
    let remaining = match cache.ttl(key).await {
        TtlState::Remaining(time) => Some(time.as_secs_f64()),
        _ => None,
    };
    let value = hit.value();
    Some(serde_json::json!({
        "key": key.as_str(),
        "namespace": key.namespace(),
        "operation": key.operation(),
        "age_seconds": hit.age.as_secs_f64(),
        "remaining_seconds": remaining,
        "bytes": value.as_bytes().len(),
        // Bytes without a meaning have no place in JSON.
        "value": value.parse::<serde_json::Value>().ok(),
    }))
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{:.1} %", 100.0 * ratio))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}
