//! Measures how many requests a second the emulator answers on this machine, for the calls that
//! tests make most. The only argument is the number of requests for each call, by default 5000.

use std::{
    env,
    error::Error,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use gimmal_emulator::Emulator;
use reqwest::Client;
use serde_json::{Value, json};

const CONNECTIONS: usize = 16;
const MODEL: &str = "models/gemini-2.5-flash";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let requests = env::args().nth(1).map_or(Ok(5000), |text| text.parse())?;
    let emulator = Emulator::builder().start().await?;
    let client = Client::builder().no_proxy().build()?;
    let base = format!("{}v1beta/", emulator.base_url());

    let document: String = (1..400)
        .map(|n| {
            format!(
                "Shelf {n} holds {} boxes and was counted on day {}. ",
                n * 7 % 90,
                n % 31
            )
        })
        .collect();
    let turn = |texts: &[&str]| {
        let parts: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
        json!([{ "role": "user", "parts": parts }])
    };
    let body = json!({ "model": MODEL, "contents": turn(&[&document]) });
    let created = client
        .post(format!("{base}cachedContents?key=k"))
        .body(body.to_string());
    let created: Value = serde_json::from_slice(&created.send().await?.bytes().await?)?;

    let question = "How many boxes does shelf 211 hold?";
    let cached = json!({ "contents": turn(&[question]), "cachedContent": created["name"] });
    let inline = json!({ "contents": turn(&[&document, question]) });
    let generate = format!("{base}{MODEL}:generateContent?key=k");
    let stream = format!("{base}{MODEL}:streamGenerateContent?alt=sse&key=k");
    let count = format!("{base}{MODEL}:countTokens?key=k");
    for (name, url, body) in [
        (
            "generate, no context",
            &generate,
            json!({ "contents": turn(&[question]) }),
        ),
        ("generate, cached context", &generate, cached.clone()),
        ("generate, inline context", &generate, inline.clone()),
        ("stream, cached context", &stream, cached),
        ("count tokens, inline", &count, inline),
    ] {
        let rate = measure(&client, url, &body.to_string(), requests).await?;
        writeln!(std::io::stdout(), "{name:<26} {rate:>8.0} requests/s")?;
    }
    emulator.shutdown().await;
    Ok(())
}

async fn measure(client: &Client, url: &str, body: &str, n: usize) -> Result<f64, Box<dyn Error>> {
    let left = Arc::new(AtomicUsize::new(n));
    let start = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, left) = (client.clone(), Arc::clone(&left));
            let (url, body) = (url.to_owned(), body.to_owned());
            tokio::spawn(async move {
                let take = || {
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                };
                while take().is_ok() {
                    let response = client.post(&url).body(body.clone()).send().await?;
                    response.error_for_status()?.bytes().await?;
                }
                Ok::<(), reqwest::Error>(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    Ok(n as f64 / start.elapsed().as_secs_f64())
}
