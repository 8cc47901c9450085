//! Replies of a type: JSON is asked for in its shape and read into it.

use gimmal_transport::{Error, Response};
use gimmal_types::gemini::{FinishReason, GenerateContentResponse, json_schema_of};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::GenerateContent;

impl GenerateContent {
    /// Asks for JSON of the shape of `T`, and reads it.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct City {
    ///     name: String,
    ///     /// People who live there.
    ///     population: u64,
    /// }
    ///
    /// let call = client.models().generate_content("gemini-2.5-flash");
    /// let call = call.set_contents(["The largest cities of Peru."]);
    /// let cities = call.send_as::<Vec<City>>().await?.into_body();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); and with the text of the reply as payload when it is not such a
    /// value, for example because the limit of tokens cut it. The error says how the reply ended.
    pub async fn send_as<T>(mut self) -> Result<Response<T>, Error>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let config = self.call.request.generation_config.get_or_insert_default();
        config
            .response_mime_type
            .get_or_insert_with(|| "application/json".to_owned());
        config.response_schema = None;
        config.response_json_schema = Some(json_schema_of::<T>());
        self.send().await?.try_map(|reply| {
            let value = reply.parsed();
            value.map_err(|source| unreadable(source, &reply))
        })
    }
}

/// A reply that is no such value, and how it ended, which is often why.
fn unreadable(source: serde_json::Error, reply: &GenerateContentResponse) -> Error {
    let ending = ending(reply);
    let text = reply.text().unwrap_or_default();
    Error::decode(Unreadable { source, ending }, text.into())
}

#[derive(Debug, thiserror::Error)]
#[error("{source}; {ending}")]
struct Unreadable {
    source: serde_json::Error,
    ending: String,
}

fn ending(reply: &GenerateContentResponse) -> String {
    let feedback = reply.prompt_feedback.as_ref();
    if let Some(blocked) = feedback.and_then(|feedback| feedback.block_reason.as_ref()) {
        return format!("the prompt was blocked: {}", blocked.name());
    }
    let Some(reason) = reply.finish_reason() else {
        return "the reply has no finish reason".to_owned();
    };
    let name = reason.name();
    match reason {
        FinishReason::Stop => "the reply is whole (finish reason STOP)".to_owned(),
        FinishReason::MaxTokens => format!(
            "the reply was cut (finish reason {name}): raise maxOutputTokens, lower the \
             thinking budget, or ask for less"
        ),
        _ => format!("the reply was ended early (finish reason {name})"),
    }
}
