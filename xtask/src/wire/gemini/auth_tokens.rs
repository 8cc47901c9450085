//! `auth_tokens.create`: arguments in, what the client understood out.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::CreateAuthTokenConfig;
use serde_json::Value;

use crate::wire::arguments;
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, dump};

pub(super) async fn create(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        arguments,
        mut config,
        ..
    } = call;
    arguments.finish("")?;
    if let Some(Value::Object(mut constraints)) = config.take("live_connect_constraints") {
        if let Some(Value::Object(live)) = constraints.remove("config") {
            let mut live = arguments::Arguments::new(live);
            live.take("http_options");
            live.replace("system_instruction", arguments::content_json)?;
            live.replace("speech_config", arguments::speech_json)?;
            live.replace("tools", arguments::tools_json)?;
            constraints.insert("config".to_owned(), live.into_value());
        }
        config.put("liveConnectConstraints", constraints.into());
    }
    let config: CreateAuthTokenConfig = config.rest("config")?;
    let call = client.auth_tokens().create().set_config(config);
    dump(&call.send().await?.into_body())
}
