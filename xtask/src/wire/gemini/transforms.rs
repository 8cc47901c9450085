//! `transform.*`: the pure conversions of arguments, as the calls themselves use them.

use gimmal_client::api::gemini::requests::generate_content;
use gimmal_client::api::gemini::{
    Backend, Endpoint, cached_content_name, embedding_api, embeds_media, is_hosted_model,
    model_path,
};
use gimmal_types::gemini::{
    Blob, EmbeddingApiType, FunctionResponse, GenerateContentRequest, GenerationConfig,
    ListModelsResponse, SpeechConfig, Tool,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::gemini::{batches, embeddings, files, tunings};
use crate::wire::names;

/// Applies the function of this name.
pub(crate) fn apply(
    function: &str,
    client: &Map<String, Value>,
    arguments: Map<String, Value>,
) -> Result<Value, Failure> {
    let mut arguments = Arguments::new(arguments);
    match function {
        "t_contents_for_embed" => {
            let contents = required(&mut arguments, "contents")?;
            embedded(endpoint(client)?.backend(), contents)
        }
        "t_embed_contents" => {
            let model = arguments.text("model")?;
            let contents = required(&mut arguments, "contents")?;
            shown(if embeds_media(&model) || is_hosted_model(&model) {
                embeddings::together(contents)?
            } else {
                embeddings::separate("contents", contents)?
            })
        }
        "t_is_multimodal_embedding_model" => Ok(embeds_media(&arguments.text("model")?).into()),
        "t_is_vertex_embed_content_model" => {
            let api = embedding_api(&arguments.text("model")?, 1)?;
            Ok((api == EmbeddingApiType::EmbedContent).into())
        }
        "t_is_vertex_maas_model" => Ok(is_hosted_model(&arguments.text("model")?).into()),
        "t_extract_models" => {
            let response = arguments.take("response").unwrap_or_default();
            let list: ListModelsResponse = arguments::decode("response", response)?;
            shown(list.into_models())
        }
        "t_contents" | "t_contents_strict" => {
            let contents = required(&mut arguments, "contents")?;
            shown(arguments::contents("contents", contents)?)
        }
        "t_content" => shown(arguments::content(
            "content",
            required(&mut arguments, "content")?,
        )?),
        "t_parts" => {
            let parts = required(&mut arguments, "parts")?;
            let list = match parts {
                Value::Array(parts) if parts.is_empty() => {
                    return Err(Failure::refused("parts", "must not be empty"));
                }
                Value::Array(parts) => parts,
                part => vec![part],
            };
            let parts = list.into_iter().enumerate();
            let parts =
                parts.map(|(index, part)| arguments::part(&format!("parts[{index}]"), part));
            shown(parts.collect::<Result<Vec<_>, _>>()?)
        }
        "t_part" => shown(arguments::part("part", required(&mut arguments, "part")?)?),
        "t_model" => {
            let model = arguments.text("model")?;
            Ok(model_path(endpoint(client)?.backend(), &model)?.into())
        }
        "t_cached_content_name" => {
            let name = arguments.text("name")?;
            Ok(cached_content_name(&endpoint(client)?, &name)?.into())
        }
        "t_file_name" => match arguments.take("name") {
            None => Ok(Value::Null),
            Some(name) => Ok(files::reference("name", name)?.id()?.into()),
        },
        "t_batch_job_source" => {
            batches::source_shown(&endpoint(client)?, required(&mut arguments, "src")?)
        }
        "t_batch_job_destination" => batches::destination_shown(required(&mut arguments, "dest")?),
        "t_recv_batch_job_destination" => batches::output_shown(required(&mut arguments, "dest")?),
        "t_embedding_batch_job_source" => {
            batches::embeddings_source_shown(required(&mut arguments, "src")?)
        }
        "t_batch_job_name" => {
            let name = arguments.text("name")?;
            batches::name_shown(endpoint(client)?.backend(), &name)
        }
        "t_job_state" => Ok(batches::state_shown(&arguments.text("state")?)),
        "t_tuning_job_status" => Ok(tunings::state_shown(&arguments.text("status")?)),
        "t_metrics" => tunings::metrics_shown(&mut arguments),
        "t_blob" => as_is::<Blob>("blob", required(&mut arguments, "blob")?),
        "t_speech_config" => {
            let config = required(&mut arguments, "origin")?;
            as_is::<SpeechConfig>("origin", arguments::speech_json("origin", config)?)
        }
        "t_function_responses" => {
            let responses = required(&mut arguments, "function_responses")?;
            as_is::<Vec<FunctionResponse>>("function_responses", responses)
        }
        "t_schema" => {
            let schema = required(&mut arguments, "origin")?;
            reply_schema(endpoint(client)?.backend(), "origin", schema)
        }
        "t_json_schema" => match required(&mut arguments, "origin")? {
            schema @ Value::Object(_) => Ok(schema),
            _ => Err(Failure::refused("origin", "must be an object")),
        },
        "t_tool" => match arguments.take("origin") {
            None => Ok(Value::Null),
            Some(tool) => as_is::<Tool>("origin", arguments::tools_json("origin", tool)?),
        },
        "t_tools" => {
            let tools = required(&mut arguments, "origin")?;
            let tools = arguments::tools_json("origin", tools)?;
            let tools: Vec<Tool> = arguments::decode_strictly("origin", tools)?;
            shown(Tool::merge_function_declarations(tools))
        }
        other if names::is_known(&format!("transform.{other}")) => {
            Err(Failure::unimplemented(format!("transform.{other}")))
        }
        other => Err(Failure::refused(
            "method",
            format!("`transform.{other}` is no function of the reference"),
        )),
    }
}

/// What is embedded: one content for each item; on Vertex the texts of their parts.
fn embedded(backend: Backend, contents: Value) -> Result<Value, Failure> {
    let contents = embeddings::separate("contents", contents)?;
    if backend == Backend::GeminiApi {
        return shown(contents);
    }
    let parts = contents.iter().flat_map(|content| &content.parts);
    shown(
        parts
            .filter_map(|part| part.text.as_ref())
            .collect::<Vec<_>>(),
    )
}

pub(super) fn required(arguments: &mut Arguments, name: &str) -> Result<Value, Failure> {
    arguments
        .take(name)
        .ok_or_else(|| Failure::refused(name, "is missing"))
}

pub(super) fn shown<T: Serialize>(value: T) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::refused("result", error.to_string()))
}

/// A value that the conversion leaves alone, through its type.
fn as_is<T>(place: &str, value: Value) -> Result<Value, Failure>
where
    T: Serialize + serde::de::DeserializeOwned + gimmal_types::wire::WireValue,
{
    shown(arguments::decode_strictly::<T>(place, value)?)
}

/// A schema for replies, which only Vertex takes with members that are not named.
fn reply_schema(backend: Backend, place: &str, value: Value) -> Result<Value, Failure> {
    let schema = arguments::schema(place, value)?;
    let config = GenerationConfig::new().set_response_schema(schema);
    let request = GenerateContentRequest::new().set_generation_config(config);
    let endpoint = match backend {
        Backend::Vertex => Endpoint::vertex()
            .with_project("p")
            .with_location("l")
            .build()?,
        _ => Endpoint::gemini_api().build()?,
    };
    // The checks of a call that would use it.
    drop(generate_content(&endpoint, "m", &request)?);
    let config = request.generation_config.unwrap_or_default();
    shown(config.response_schema)
}

fn endpoint(client: &Map<String, Value>) -> Result<Endpoint, Failure> {
    let text = |name: &str| client.get(name).and_then(Value::as_str);
    if client.get("vertexai") != Some(&Value::Bool(true)) {
        return Ok(Endpoint::gemini_api().build()?);
    }
    let mut vertex = Endpoint::vertex();
    if let Some(project) = text("project") {
        vertex = vertex.with_project(project);
    }
    if let Some(location) = text("location") {
        vertex = vertex.with_location(location);
    }
    Ok(vertex.build()?)
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{Content, Part};
    use serde_json::json;

    use super::*;

    fn apply_to(function: &str, arguments: Value) -> Value {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        match apply(function, &Map::new(), arguments) {
            Ok(value) => value,
            Err(failure) => failure.into_json(),
        }
    }

    #[test]
    fn texts_become_turns() {
        let turns = apply_to("t_contents", json!({"contents": ["a", {"text": "b"}]}));
        let parts = [Part::text("a"), Part::text("b")];
        let user = Content::new().set_role("user").set_parts(parts);
        assert_eq!(turns, json!([user]));
    }

    #[test]
    fn unknown_functions_and_missing_arguments_are_named() {
        assert_eq!(apply_to("t_nothing", json!({}))["field"], "method");
        assert_eq!(apply_to("t_content", json!({}))["field"], "content");
        assert_eq!(apply_to("t_model", json!({"model": 1}))["field"], "model");
    }
}
