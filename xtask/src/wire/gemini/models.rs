//! `models.*`: arguments in, what the client understood out.

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::{GeminiClient, GenerateContent, ToolSet};
use gimmal_types::gemini::{
    CountTokensRequest, GenerateContentConfig, GenerateContentResponse, Model,
};
use serde_json::{Value, json};

use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::functions::Functions;
use crate::wire::gemini::{Call, Pages, dump};

/// A generation in the making.
fn generation(client: &GeminiClient, call: Call<'_>) -> Result<GenerateContent, Failure> {
    let Call {
        mut arguments,
        config,
        functions,
        ..
    } = call;
    let model = arguments.text("model")?;
    let contents = required_contents(&mut arguments)?;
    arguments.finish("")?;
    let (config, functions) = generation_config(config, functions)?;
    let call = client.models().generate_content(model);
    Ok(call
        .set_config(config)
        .set_contents(contents)
        .with_functions(functions))
}

/// How a reply is generated, and the functions that may run.
pub(super) fn generation_config(
    mut config: Arguments,
    functions: Functions,
) -> Result<(GenerateContentConfig, ToolSet), Failure> {
    config.replace("system_instruction", arguments::content_json)?;
    config.replace("speech_config", arguments::speech_json)?;
    config.replace("response_schema", arguments::schema_json)?;
    config.replace("image_config", arguments::image_json)?;
    let mut functions = Some(functions);
    let mut tools = None;
    config.replace("tools", |place, given| {
        let (given, set) = functions.take().unwrap_or_default().split(given)?;
        tools = Some(set);
        arguments::tools_json(place, given)
    })?;
    Ok((config.rest("config")?, tools.unwrap_or_default()))
}

/// A reply under the reference's names, which keeps one count where a dump does not show it.
pub(super) fn replied(reply: &GenerateContentResponse) -> Result<Value, Failure> {
    let mut shown = dump(reply)?;
    if let Some(members) = shown.as_object_mut() {
        members.remove("initial_prompt_token_count");
    }
    Ok(shown)
}

pub(super) fn required_contents(
    arguments: &mut Arguments,
) -> Result<Vec<gimmal_types::gemini::Content>, Failure> {
    match arguments.take("contents") {
        Some(contents) => arguments::contents("contents", contents),
        None => Err(Failure::refused("contents", "is missing")),
    }
}

pub(super) async fn generate(client: GeminiClient, mut call: Call<'_>) -> Result<Value, Failure> {
    if call.config.take("should_return_http_response") == Some(json!(true)) {
        // Nothing of the reply is read then.
        generation(&client, call)?.send_raw().await?;
        return Ok(json!({}));
    }
    replied(generation(&client, call)?.send().await?.body())
}

pub(super) async fn stream(client: GeminiClient, mut call: Call<'_>) -> Result<Value, Failure> {
    let field = "should_return_http_response";
    if call.config.take(field) == Some(json!(true)) {
        return Err(Failure::refused(
            field,
            "is not for streams; they have a head of their own",
        ));
    }
    let chunks = generation(&client, call)?.stream().await?;
    let chunks: Vec<_> = chunks.try_collect().await?;
    chunks.iter().map(replied).collect()
}

pub(super) async fn count_tokens(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let contents = required_contents(&mut arguments)?;
    arguments.finish("")?;
    config.replace("system_instruction", arguments::content_json)?;
    let request: CountTokensRequest = config.rest("config")?;
    let call = client.models().count_tokens(model);
    let call = call.set_request(request.set_contents(contents));
    dump(&call.send().await?.into_body())
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    arguments.finish("")?;
    config.finish("config")?;
    let model = client.models().get(model).send().await?.into_body();
    described(&model)
}

pub(super) async fn list(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        arguments,
        mut config,
        http,
        ..
    } = call;
    arguments.finish("")?;
    let mut list = client.models().list();
    if let Some(size) = config.integer("page_size")? {
        list = list.set_page_size(size);
    }
    if let Some(token) = config.take("page_token") {
        list = list.set_page_token(arguments::decode::<String>("config.pageToken", token)?);
    }
    if let Some(filter) = config.take("filter") {
        list = list.set_filter(arguments::decode::<String>("config.filter", filter)?);
    }
    if config.take("query_base") == Some(json!(false)) {
        list = list.with_tuned();
    }
    config.finish("config")?;
    Pages::of("models", http)
        .read(list.items(), described)
        .await
}

/// A model under the reference's names, which differ from the service's for a few fields.
pub(super) fn described(model: &Model) -> Result<Value, Failure> {
    let Value::Object(mut shown) = dump(model)? else {
        return Ok(Value::Null);
    };
    let mut rename = |from: &str, to: &str| {
        if let Some(value) = shown.remove(from) {
            shown.insert(to.to_owned(), value);
        }
    };
    rename("version_id", "version");
    rename("supported_generation_methods", "supported_actions");
    for of_the_service in [
        "base_model_id",
        "create_time",
        "deployed_models",
        "update_time",
    ] {
        shown.remove(of_the_service);
    }
    let endpoints: Result<Vec<Value>, Failure> = model.endpoints().iter().map(dump).collect();
    shown.insert("endpoints".to_owned(), endpoints?.into());
    let tuned = dump(&model.tuned_model_info())?;
    shown.insert("tuned_model_info".to_owned(), tuned);
    Ok(shown.into())
}
