//! Functions: when the model asks for one, and what becomes of its result.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use gimmal_client::gemini::{Function, GenerateContent, ToolSet};
use gimmal_client::types::gemini::{AutomaticFunctionCallingConfig, Content, Part};
use serde_json::{Value, json};

use super::bench::{GENERATE, among, config, refused, same, status_of};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

/// When a function is asked for: how, the settings, the prompt, and the function that is called.
const CALLING: &[(&str, &str, &str, &str, Option<&str>)] = &[
    (
        "by its name",
        "both",
        "",
        "Please call set_thermostat with 21.",
        Some("set_thermostat"),
    ),
    (
        "whatever is asked",
        "thermostat",
        "ANY",
        "Make it 21 degrees.",
        Some("set_thermostat"),
    ),
    (
        "one that is allowed",
        "both",
        "ANY switch_lamp",
        "Make it 21 degrees.",
        Some("switch_lamp"),
    ),
    (
        "none",
        "thermostat",
        "NONE",
        "Please call set_thermostat with 21.",
        None,
    ),
    ("none that fits", "lamp", "", "What is a gimmal?", None),
];

const BAD_CALLING: &[(&str, &str, &str)] = &[
    ("a name that no function has", "lamp", "ANY nope"),
    (
        "allowed without being asked for",
        "lamp",
        "AUTO switch_lamp",
    ),
    ("a name with a blank", "blank", ""),
];

const TOOLS: &[(&str, &str)] = &[
    ("search", "googleSearch"),
    ("code", "codeExecution"),
    ("pages", "urlContext"),
    ("maps", "googleMaps"),
];

pub(super) const WEATHER: &str = "What is the weather in Boston?";

pub(super) fn add(cases: &mut Cases) {
    let mut generate = cases.group(Backend::BOTH, "models.generate_content");
    for (row, tools, mode, prompt, expected) in CALLING {
        generate.add(format!("function:{row}"), |bench| {
            calls(bench, tools, mode, prompt, *expected)
        });
    }
    for (row, tools, mode) in BAD_CALLING {
        generate.add(format!("bad function:{row}"), |bench| {
            bad_function(bench, tools, mode)
        });
    }
    for (row, name) in TOOLS {
        generate.add(format!("tool:{row}"), |bench| tool(bench, name));
    }
    generate.add("result of a function", result);
    generate.add("function that runs", runs);
    generate.add("asynchronous function that runs", runs);
    generate.add("function that fails", fails);
    generate.add("functions only declared", only_declared);
    generate.add("limit of calls", limited);
}

/// A config with the named functions, and a mode with the one function it allows.
fn functions(tools: &str, mode: &str) -> Value {
    let thermostat = json!({
        "name": "set_thermostat", "description": "Sets the temperature of a room.",
        "parametersJsonSchema": {
            "type": "object", "properties": {"degrees": {"type": "number"}}, "required": ["degrees"],
        },
    });
    let lamp = json!({"name": "switch_lamp", "description": "Switches a lamp."});
    let declarations = match tools {
        "both" => vec![thermostat, lamp],
        "thermostat" => vec![thermostat],
        "lamp" => vec![lamp],
        _ => vec![json!({"name": "switch lamp"})],
    };
    let mut config = json!({"tools": [{"functionDeclarations": declarations}]});
    let mut words = mode.split_whitespace();
    if let Some(mode) = words.next() {
        let allowed: Vec<&str> = words.collect();
        config["toolConfig"] = json!({
            "functionCallingConfig": {"mode": mode, "allowedFunctionNames": allowed},
        });
    }
    config
}

async fn calls(
    bench: Bench,
    tools: &str,
    mode: &str,
    prompt: &str,
    expected: Option<&str>,
) -> anyhow::Result<()> {
    let config = config(functions(tools, mode))?;
    let reply = bench.generate(&[prompt])?.set_config(config).send().await?;
    let reply = reply.into_body();
    let calls: Vec<_> = reply.function_calls().collect();
    let names: Vec<_> = calls
        .iter()
        .filter_map(|call| call.name.as_deref())
        .collect();
    same(&names, &expected.into_iter().collect::<Vec<_>>())?;
    match expected {
        Some("set_thermostat") => {
            let degrees = json!(calls[0].args)["degrees"].as_f64();
            same(degrees, Some(21.0))
        }
        Some(_) => Ok(()),
        None => {
            ensure!(reply.text().is_some());
            Ok(())
        }
    }
}

async fn bad_function(bench: Bench, tools: &str, mode: &str) -> anyhow::Result<()> {
    let config = config(functions(tools, mode))?;
    let outcome = bench.generate(&["Hi"])?.set_config(config).send().await;
    let error = refused(outcome, 400, "unction")?;
    same(status_of(&error), "INVALID_ARGUMENT")
}

async fn tool(bench: Bench, name: &str) -> anyhow::Result<()> {
    let config = config(json!({"tools": [{name: {}}]}))?;
    let reply = bench
        .generate(&["Hello"])?
        .set_config(config)
        .send()
        .await?;
    ensure!(reply.body().text().is_some());
    same(
        bench.sent(GENERATE, &format!("/tools/0/{name}"))?,
        json!({}),
    )
}

async fn result(bench: Bench) -> anyhow::Result<()> {
    let config = config(functions("thermostat", "ANY"))?;
    let asked = Content::user("Make it 21 degrees.");
    let generate = |contents: Vec<Content>| -> anyhow::Result<GenerateContent> {
        let call = bench.generate(&[])?.set_contents(contents);
        Ok(call.set_config(config.clone()))
    };
    let reply = generate(vec![asked.clone()])?.send().await?.into_body();
    let first = reply
        .candidates
        .into_iter()
        .next()
        .context("no candidate")?;
    let told = serde_json::from_value(json!({"result": "the boiler is cold"}))?;
    let answer = Part::function_response("set_thermostat", told);
    let contents = vec![
        asked,
        *first.content.context("no content")?,
        Content::from(answer),
    ];
    let reply = generate(contents)?.send().await?;
    among(
        "the boiler is cold",
        reply.body().text().unwrap_or_default(),
    )
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Query {
    city: String,
}

/// A function that writes down what it was asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather(Arc<Mutex<Vec<String>>>);

impl Weather {
    pub(super) fn function(&self, problem: Option<&'static str>) -> ToolSet {
        let asked = Arc::clone(&self.0);
        let run = move |query: Query| {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(query.city);
            std::future::ready(problem.map_or(Ok("rain until noon"), Err))
        };
        let function = Function::typed("get_weather", "Reports the weather of a city.", run);
        ToolSet::new().with_function(function)
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn runs(bench: Bench) -> anyhow::Result<()> {
    let weather = Weather::default();
    let call = bench.generate(&[WEATHER])?;
    let reply = call.with_functions(weather.function(None)).send().await?;
    let reply = reply.into_body();
    same(weather.asked(), ["Boston"])?;
    among("rain until noon", reply.text().unwrap_or_default())?;
    same(reply.automatic_function_calling_history.len(), 3)?;
    same(bench.requests(GENERATE).len(), 2)
}

async fn fails(bench: Bench) -> anyhow::Result<()> {
    const PROBLEM: &str = "the barometer is broken";
    let weather = Weather::default();
    let call = bench.generate(&[WEATHER])?;
    let reply = call.with_functions(weather.function(Some(PROBLEM)));
    let reply = reply.send().await?;
    same(weather.asked(), ["Boston"])?;
    among(PROBLEM, reply.body().text().unwrap_or_default())?;
    let told = "/contents/2/parts/0/functionResponse/response/error";
    among(PROBLEM, bench.sent(GENERATE, told)?.to_string())
}

async fn only_declared(bench: Bench) -> anyhow::Result<()> {
    let config = AutomaticFunctionCallingConfig::new().set_disable(true);
    not_run(bench, config).await
}

async fn limited(bench: Bench) -> anyhow::Result<()> {
    let config = AutomaticFunctionCallingConfig::new().set_maximum_remote_calls(1);
    not_run(bench, config).await
}

/// The reply holds the call, and nothing has run.
async fn not_run(bench: Bench, config: AutomaticFunctionCallingConfig) -> anyhow::Result<()> {
    let weather = Weather::default();
    let call = bench.generate(&[WEATHER])?;
    let call = call.with_functions(weather.function(None));
    let reply = call.with_automatic_function_calling(config).send().await?;
    same(weather.asked().len(), 0)?;
    let calls: Vec<_> = reply.body().function_calls().collect();
    same(calls.len(), 1)?;
    same(calls[0].name.as_deref(), Some("get_weather"))?;
    same(bench.requests(GENERATE).len(), 1)
}
