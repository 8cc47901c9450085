//! `files.*`: arguments in, what the client understood out.

use std::num::NonZeroU32;

use gimmal_client::CallOptions;
use gimmal_client::gemini::{FileRef, GeminiClient, UploadContent};
use gimmal_client::transport::StandardRetry;
use gimmal_types::gemini::{
    File, GeneratedVideo, ListFilesConfig, RegisterFilesRequest, UploadFileConfig, Video,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wire::arguments;
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, Pages, dump};
use crate::wire::replies;

/// The content of an upload, and the folder that it lies in when it is a file on the disk.
pub(super) struct Content {
    pub(super) content: UploadContent,
    _folder: Option<TempDir>,
}

/// What the reference was given to upload: a path, a path with content, or a reader with content.
///
/// `sent` is what the reference read from a path that only the recorder has.
pub(super) fn content(file: Value, sent: Vec<u8>) -> Result<Content, Failure> {
    let lacks = |what: &str| Failure::refused("file", format!("must hold {what}"));
    if let Value::String(path) = file {
        if sent.is_empty() {
            let content = path.as_str().into();
            return Ok(Content {
                content,
                _folder: None,
            });
        }
        return on_disk(&path, &sent);
    }
    if let Some(path) = file.get("$path") {
        let path = path.as_str().ok_or_else(|| lacks("a path"))?;
        let text = file.get("content").and_then(Value::as_str);
        return on_disk(path, text.unwrap_or_default().as_bytes());
    }
    let form = file
        .get("$file")
        .ok_or_else(|| lacks("`$file` or `$path`"))?;
    let bytes = match replies::bytes_of(form) {
        Some(bytes) => bytes,
        None => generated(form)?,
    };
    Ok(Content {
        content: bytes.into(),
        _folder: None,
    })
}

fn on_disk(path: &str, bytes: &[u8]) -> Result<Content, Failure> {
    let failed = |error: std::io::Error| Failure::refused("file", error.to_string());
    let name = std::path::Path::new(path).file_name();
    let name = name.ok_or_else(|| Failure::refused("file", "has no name"))?;
    let folder = tempfile::tempdir().map_err(failed)?;
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).map_err(failed)?;
    Ok(Content {
        content: path.into(),
        _folder: Some(folder),
    })
}

/// Large contents of the records are the bytes 0 to 255 over and over.
fn generated(form: &Value) -> Result<Vec<u8>, Failure> {
    let len = form.get("len").and_then(Value::as_u64);
    let len = len.and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
    if replies::bytes_form(&bytes).get("sha256") == form.get("sha256") {
        Ok(bytes)
    } else {
        Err(Failure::unimplemented(
            "a content of which only the digest is known",
        ))
    }
}

/// The reference sends each chunk up to three times, whatever its client is set to.
pub(super) fn patience() -> CallOptions {
    let three = NonZeroU32::MIN.saturating_add(2);
    CallOptions::new().with_retry_policy(StandardRetry::default().with_max_attempts(three))
}

pub(super) async fn upload(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        file,
        sent,
        ..
    } = call;
    let given = arguments.take("file");
    arguments.finish("")?;
    let is_resolved = given
        .as_ref()
        .is_some_and(|given| given.get("mimeType").is_some());
    let config: UploadFileConfig = if is_resolved {
        // The resolved form has the configuration in the place of the file.
        let file: File = arguments::decode_strictly("file", given.unwrap_or_default())?;
        let mut config = UploadFileConfig::new();
        config.name = file.name;
        config.mime_type = file.mime_type;
        config.display_name = file.display_name;
        config
    } else {
        config.take("should_return_http_response");
        config.rest("config")?
    };
    let content = content(file.unwrap_or_default(), sent)?;
    let call = client.files().upload(content.content.clone());
    let call = call.set_config(config).with_options(patience());
    dump(&call.send().await?.into_body())
}

/// A file by a text, or by what the reference takes for one.
pub(super) fn reference(place: &str, value: Value) -> Result<FileRef, Failure> {
    let has = |key: &str| value.get(key).is_some();
    if let Value::String(name) = &value {
        return Ok(name.as_str().into());
    }
    if has("video") {
        let video: GeneratedVideo = arguments::decode_strictly(place, value)?;
        return Ok((&video).into());
    }
    if !has("name") && (has("uri") || has("videoBytes") || has("video_bytes")) {
        let video: Video = arguments::decode_strictly(place, value)?;
        return Ok((&video).into());
    }
    let file: File = arguments::decode_strictly(place, value)?;
    Ok((&file).into())
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = only(call, "name")?;
    let call = client.files().get(reference("name", name)?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn delete(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = only(call, "name")?;
    let call = client.files().delete(reference("name", name)?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn download(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let file = only(call, "file")?;
    let call = client.files().download(reference("file", file)?);
    let bytes = call.send().await?.into_body();
    Ok(json!({"$bytes": replies::bytes_form(&bytes)}))
}

pub(super) async fn list(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let pages = Pages::of("files", call.http);
    let call = client.files().list().set_config(listing(call)?);
    pages.read(call.items(), dump).await
}

pub(super) async fn page(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let pages = Pages::of("files", call.http);
    let call = client.files().list().set_config(listing(call)?);
    pages.first(call.items()).await
}

fn listing(call: Call<'_>) -> Result<ListFilesConfig, Failure> {
    call.arguments.finish("")?;
    call.config.rest("config")
}

pub(super) async fn register(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        http_options,
        ..
    } = call;
    let account = arguments.object("auth")?.into_value();
    let request: RegisterFilesRequest = arguments.rest("")?;
    config.take("should_return_http_response");
    config.finish("config")?;
    // The resolved form has the account as headers.
    let headers = http_options.and_then(|options| options.get("headers").cloned());
    let headers = headers.unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let bearer = text(&headers["authorization"]);
    let bearer = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ").map(str::to_owned));
    let token = text(&account["$credentials"]).or(bearer);
    let project = text(&account["quota_project_id"]).or(text(&headers["x-goog-user-project"]));
    let mut call = client
        .files()
        .register(token.unwrap_or_default(), request.uris);
    if let Some(project) = project {
        call = call.with_quota_project(project);
    }
    dump(&call.send().await?.into_body())
}

fn only(call: Call<'_>, name: &str) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let value = arguments.take(name);
    arguments.finish("")?;
    config.finish("config")?;
    value.ok_or_else(|| Failure::refused(name, "is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_contents_are_made_anew_and_checked() {
        let digest = replies::bytes_form(&[0, 1, 2]);
        let form = json!({"$file": {"len": 3, "sha256": digest["sha256"]}});
        assert!(content(form, Vec::new()).is_ok());
        let unknown = json!({"$file": {"len": 3, "sha256": "00"}});
        let failure = content(unknown, Vec::new()).err().map(Failure::into_json);
        assert_eq!(failure.unwrap()["kind"], "unimplemented");
        let shapeless = content(json!({}), Vec::new()).err().map(Failure::into_json);
        assert_eq!(shapeless.unwrap()["field"], "file");
    }
}
