//! The making of films: an operation that, when its time has passed, leaves films behind, or says
//! why there are none.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::film::film,
    gemini::{
        caches::Scope,
        errors::ApiError,
        files::{self, NewFile, Origin},
        operations::Work,
        service::{Call, Gemini},
        videos::request::FilmRequest,
    },
    reply::Reply,
    rng::digest,
    route::Backend,
};

const MIME: &str = "video/mp4";

/// `POST models/{model}:predictLongRunning`.
pub(crate) fn begin(call: &Call<'_>) -> Result<Reply, ApiError> {
    let model = &call.target.resource;
    call.catalogue
        .find(model, call.target, "predictLongRunning")?;
    let backend = call.target.backend;
    let request = FilmRequest::decode(call.body()?, backend)?;
    let blocked = call.blocked_phrases.iter();
    let blocked = blocked
        .filter(|phrase| request.prompt.contains(phrase.as_str()))
        .count();
    let id = call.operations.new_id();
    let owner = call.owner();
    let mut metadata = Map::new();
    if backend == Backend::Developer {
        let kind = "google.ai.generativelanguage.v1beta.PredictLongRunningMetadata";
        metadata.insert("@type".into(), format!("type.googleapis.com/{kind}").into());
    }
    let work = Work {
        owner: owner.clone(),
        name: format!("{}/operations/{id}", call.target.model_name(model)),
        about: request.prompt.clone(),
        takes: None,
        metadata,
        progress: None,
        finish: Box::new(move |gemini, now| {
            let films = if blocked > 0 {
                Vec::new()
            } else {
                make(&request)
            };
            Ok(match backend {
                Backend::Developer => {
                    let kept = films.into_iter().map(|bytes| {
                        let file = gemini.files.add(generated(&owner, bytes), now)?;
                        let uri = files::download_uri(&file.id);
                        Ok(json!({ "video": { "uri": uri, "encoding": MIME } }))
                    });
                    let samples = kept.collect::<Result<Vec<Value>, ApiError>>()?;
                    developer_response(samples, &request, blocked > 0)
                }
                Backend::Vertex => vertex_response(films, &request, &id, gemini),
            })
        }),
    };
    Ok(Reply::json(
        StatusCode::OK,
        &call.operations.begin(work, call.now),
    ))
}

fn make(request: &FilmRequest) -> Vec<Bytes> {
    let seed = request.seed.unwrap_or_else(|| digest(&request.prompt));
    let films = 0..u64::from(request.films);
    films
        .map(|at| film(request.shape, request.seconds, seed.wrapping_add(at)))
        .collect()
}

fn generated(owner: &Scope, bytes: Bytes) -> NewFile {
    NewFile {
        owner: owner.clone(),
        id: None,
        display_name: None,
        mime: MIME.to_owned(),
        content: bytes.into(),
        sha256: None,
        origin: Origin::Generated,
    }
}

fn developer_response(samples: Vec<Value>, request: &FilmRequest, blocked: bool) -> Value {
    let mut response = filtered(request, blocked);
    if !samples.is_empty() {
        response.insert("generatedSamples".into(), samples.into());
    }
    let kind = "google.ai.generativelanguage.v1beta.PredictLongRunningResponse";
    json!({
        "@type": format!("type.googleapis.com/{kind}"),
        "generateVideoResponse": response,
    })
}

fn vertex_response(films: Vec<Bytes>, request: &FilmRequest, id: &str, gemini: &Gemini) -> Value {
    let mut response = filtered(request, films.is_empty());
    let kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse";
    response.insert("@type".into(), kind.into());
    response
        .entry("raiMediaFilteredCount")
        .or_insert_with(|| 0.into());
    let videos = films.into_iter().enumerate().map(|(at, film)| {
        let Some(folder) = &request.folder else {
            return json!({ "bytesBase64Encoded": STANDARD.encode(film), "mimeType": MIME });
        };
        let uri = format!("{}/{id}/sample_{at}.mp4", folder.trim_end_matches('/'));
        gemini.storage.put_object(uri.clone(), film);
        json!({ "gcsUri": uri, "mimeType": MIME })
    });
    let videos: Vec<Value> = videos.collect();
    if !videos.is_empty() {
        response.insert("videos".into(), videos.into());
    }
    response.into()
}

/// What is told of films that are held back.
fn filtered(request: &FilmRequest, blocked: bool) -> Map<String, Value> {
    let mut told = Map::new();
    if blocked {
        let reason = "The film was not made, because its prompt may violate the usage policy. \
            Try rephrasing the prompt.";
        told.insert("raiMediaFilteredCount".into(), request.films.into());
        told.insert("raiMediaFilteredReasons".into(), json!([reason]));
    }
    told
}
