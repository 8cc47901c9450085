//! What a film is asked to be: decoded from instances and parameters, and checked the way the
//! service checks it.

use serde_json::{Map, Value};

use crate::{
    engine::film::Shape,
    gemini::{
        errors::ApiError,
        fields::{self, integer, list, object, string},
    },
    route::Backend,
};

const MOST_FILMS: i64 = 4;
const DEFAULT_SECONDS: i64 = 8;
const SECONDS: std::ops::RangeInclusive<i64> = 4..=8;

/// Films to make.
#[derive(Debug)]
pub(super) struct FilmRequest {
    pub(super) prompt: String,
    pub(super) films: u32,
    pub(super) seconds: u32,
    pub(super) shape: Shape,
    pub(super) seed: Option<u64>,
    /// Where in Cloud Storage they go.
    pub(super) folder: Option<String>,
}

impl FilmRequest {
    pub(super) fn decode(request: &Map<String, Value>, backend: Backend) -> Result<Self, ApiError> {
        fields::PREDICT_REQUEST.check(request, "", backend)?;
        let [instance] = list(request, "instances") else {
            return Err(ApiError::invalid_argument(
                "Exactly one instance is expected in a request for films.",
            ));
        };
        let Some(instance) = instance.as_object() else {
            return Err(ApiError::invalid_value(
                "instances[0]",
                "an object",
                instance,
            ));
        };
        let prompt = string(instance, "prompt", "instances[0]")?.unwrap_or_default();
        let mut media = false;
        for kind in ["image", "video", "lastFrame"] {
            media |= check_media(instance, kind)?;
        }
        if prompt.trim().is_empty() && !media {
            return Err(ApiError::invalid_argument(
                "The prompt is empty, and there is neither an image nor a video to begin with.",
            ));
        }
        let empty = Map::new();
        let parameters = object(request, "parameters", "")?.unwrap_or(&empty);
        let number = |name: &str, default: i64| -> Result<i64, ApiError> {
            Ok(integer(parameters, name, "parameters")?.unwrap_or(default))
        };
        let films = number("sampleCount", 1)?;
        if !(1..=MOST_FILMS).contains(&films) {
            return Err(ApiError::invalid_argument(format!(
                "sampleCount is {films}; it must be between 1 and {MOST_FILMS}, inclusive."
            )));
        }
        let seconds = number("durationSeconds", DEFAULT_SECONDS)?;
        if !SECONDS.contains(&seconds) {
            return Err(ApiError::invalid_argument(format!(
                "The number value for `durationSeconds` is out of bound. Please provide a value \
                 between {} and {}, inclusive.",
                SECONDS.start(),
                SECONDS.end()
            )));
        }
        let shape = match string(parameters, "aspectRatio", "parameters")?.unwrap_or("16:9") {
            "16:9" => Shape::WIDE,
            "9:16" => Shape::TALL,
            other => {
                return Err(ApiError::invalid_argument(format!(
                    "aspectRatio \"{other}\" is not supported; use 16:9 or 9:16."
                )));
            }
        };
        let folder = string(parameters, "storageUri", "parameters")?;
        if let Some(folder) = folder.filter(|folder| !folder.starts_with("gs://")) {
            return Err(ApiError::invalid_argument(format!(
                "storageUri \"{folder}\" is not in Cloud Storage; it must begin with gs://."
            )));
        }
        let seed = integer(parameters, "seed", "parameters")?;
        // The checks above leave numbers that fit.
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        Ok(Self {
            prompt: prompt.to_owned(),
            films: small(films),
            seconds: small(seconds),
            shape,
            seed: seed.map(i64::cast_unsigned),
            folder: folder.map(str::to_owned),
        })
    }
}

/// Whether there is a picture or a film under `kind`, which must then say where its bytes are.
fn check_media(instance: &Map<String, Value>, kind: &str) -> Result<bool, ApiError> {
    let Some(media) = object(instance, kind, "instances[0]")? else {
        return Ok(false);
    };
    let at = format!("instances[0].{kind}");
    let mut places = [
        "bytesBase64Encoded",
        "gcsUri",
        "uri",
        "encodedVideo",
        "fileUri",
    ]
    .iter();
    let has =
        |place: &&str| string(media, place, &at).map(|text| text.is_some_and(|t| !t.is_empty()));
    let found = places.try_fold(false, |found, place| Ok(found | has(place)?))?;
    if found {
        return Ok(true);
    }
    Err(ApiError::invalid_argument(format!(
        "{at} has neither bytesBase64Encoded nor gcsUri."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode(body: Value) -> Result<FilmRequest, String> {
        let body = body.as_object().cloned().expect("an object");
        FilmRequest::decode(&body, Backend::Vertex).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let film = decode(json!({"instances": [{"prompt": "a cat"}]})).expect("valid");
        assert_eq!((film.films, film.seconds, film.shape), (1, 8, Shape::WIDE));
        let body = json!({
            "instances": [{"image": {"bytesBase64Encoded": "YQ==", "mimeType": "image/png"}}],
            "parameters": {"sampleCount": 2, "durationSeconds": 5, "aspectRatio": "9:16",
                "seed": 7, "storageUri": "gs://b/films"}
        });
        let film = decode(body).expect("valid");
        assert_eq!((film.films, film.seconds, film.shape), (2, 5, Shape::TALL));
        assert_eq!(
            (film.seed, film.folder.as_deref()),
            (Some(7), Some("gs://b/films"))
        );
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let with =
            |parameters: Value| json!({"instances": [{"prompt": "p"}], "parameters": parameters});
        for (body, part) in [
            (json!({}), "Exactly one instance"),
            (json!({"instances": [{}]}), "prompt is empty"),
            (json!({"instances": [{"prompt": 1}]}), "instances[0].prompt"),
            (
                json!({"instances": [{"image": {}}]}),
                "instances[0].image has neither",
            ),
            (
                json!({"instances": [{"prompt": "p"}], "params": {}}),
                "\"params\"",
            ),
            (with(json!({"sampleCount": 5})), "between 1 and 4"),
            (with(json!({"durationSeconds": 60})), "between 4 and 8"),
            (with(json!({"aspectRatio": "1:1"})), "16:9 or 9:16"),
            (with(json!({"storageUri": "/tmp"})), "gs://"),
        ] {
            let message = decode(body).expect_err(part);
            assert!(message.contains(part), "{message}");
        }
    }
}
