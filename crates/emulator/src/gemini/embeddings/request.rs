//! What is to be embedded and how, decoded and checked. Computes nothing.

use serde_json::{Map, Value};

use crate::{
    gemini::{
        content::{self, Content},
        errors::ApiError,
        fields::{Message, boolean, integer, join, object, string},
        models::ModelCard,
        service::Call,
    },
    route::Backend,
};

const REQUEST: Message = Message::same(&[
    "content",
    "embedContentConfig",
    "model",
    "outputDimensionality",
    "taskType",
    "title",
]);
const CONFIG: Message = Message::same(&[
    "audioTrackExtraction",
    "autoTruncate",
    "documentOcr",
    "outputDimensionality",
    "taskType",
    "title",
]);
const TASKS: [&str; 9] = [
    "TASK_TYPE_UNSPECIFIED",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
];

/// One thing to be embedded.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) content: Content<'a>,
    /// The content as it came, with the bytes of its files.
    pub(crate) fields: &'a Map<String, Value>,
    pub(crate) settings: Settings<'a>,
}

/// How it is to be embedded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings<'a> {
    /// Empty when none is given.
    pub(crate) task: &'a str,
    pub(crate) title: &'a str,
    pub(crate) dimensions: Option<usize>,
    /// Whether what is too long may be cut; it may unless the caller says no.
    pub(crate) refuse_long: bool,
}

impl<'a> Request<'a> {
    /// Decodes `fields`, found at `at`, which is empty for the body itself.
    pub(crate) fn decode(
        fields: &'a Map<String, Value>,
        message: &str,
        at: &str,
        card: &ModelCard,
        call: &Call<'_>,
    ) -> Result<Self, ApiError> {
        let backend = call.target.backend;
        REQUEST.check(fields, at, backend)?;
        if let Some(model) = string(fields, "model", at)? {
            check_model(model, message, at, card, backend)?;
        }
        let content_at = join(at, "content");
        let Some(raw) = object(fields, "content", at)? else {
            return Err(ApiError::invalid_argument(format!(
                "* {message}.{content_at}: content is not specified\n"
            )));
        };
        let content = content::single(raw, message, &content_at, backend)?;
        let own = Settings::decode(fields, at, card)?;
        let settings = match object(fields, "embedContentConfig", at)? {
            Some(config) => {
                let at = join(at, "embedContentConfig");
                CONFIG.check(config, &at, backend)?;
                for switch in ["documentOcr", "audioTrackExtraction"] {
                    boolean(config, switch, &at)?;
                }
                Settings::decode(config, &at, card)?.or(own)
            }
            None => own,
        };
        Ok(Self {
            content,
            fields: raw,
            settings,
        })
    }
}

impl<'a> Settings<'a> {
    pub(crate) fn decode(
        fields: &'a Map<String, Value>,
        at: &str,
        card: &ModelCard,
    ) -> Result<Self, ApiError> {
        let task = string(fields, "taskType", at)?.unwrap_or_default();
        if !task.is_empty() && !TASKS.contains(&task) {
            return Err(ApiError::invalid_value(
                &join(at, "taskType"),
                "TYPE_ENUM",
                &fields["taskType"],
            ));
        }
        let title = string(fields, "title", at)?.unwrap_or_default();
        if !title.is_empty() && task != "RETRIEVAL_DOCUMENT" {
            return Err(ApiError::bad_request(
                &join(at, "title"),
                "A title can only be given with the task type RETRIEVAL_DOCUMENT.",
            ));
        }
        Ok(Self {
            task,
            title,
            dimensions: dimensions(fields, at, card)?,
            refuse_long: boolean(fields, "autoTruncate", at)? == Some(false),
        })
    }

    /// These settings, with those of `other` where nothing is set.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            task: if self.task.is_empty() {
                other.task
            } else {
                self.task
            },
            title: if self.title.is_empty() {
                other.title
            } else {
                self.title
            },
            dimensions: self.dimensions.or(other.dimensions),
            refuse_long: self.refuse_long || other.refuse_long,
        }
    }
}

/// The `outputDimensionality` of `fields`, within what the model has.
pub(crate) fn dimensions(
    fields: &Map<String, Value>,
    at: &str,
    card: &ModelCard,
) -> Result<Option<usize>, ApiError> {
    let most = native_dimensions(card);
    match integer(fields, "outputDimensionality", at)? {
        None => Ok(None),
        Some(count) => match usize::try_from(count) {
            // The wire cannot tell zero from nothing.
            Ok(0) => Ok(None),
            Ok(count) if count <= most => Ok(Some(count)),
            _ => Err(ApiError::bad_request(
                &join(at, "outputDimensionality"),
                format!("output_dimensionality must be between 1 and {most}, not {count}."),
            )),
        },
    }
}

/// The numbers a vector of the model has when nothing else is asked for.
pub(crate) fn native_dimensions(card: &ModelCard) -> usize {
    if card.name().starts_with("gemini") {
        3072
    } else {
        768
    }
}

/// The model named inside a request is that of the path.
fn check_model(
    model: &str,
    message: &str,
    at: &str,
    card: &ModelCard,
    backend: Backend,
) -> Result<(), ApiError> {
    let same = match backend {
        Backend::Developer => model.strip_prefix("models/") == Some(card.name()),
        Backend::Vertex => model.ends_with(&format!("models/{}", card.name())),
    };
    if same {
        return Ok(());
    }
    Err(ApiError::invalid_argument(format!(
        "* {message}.{}: the model must be that of the request, models/{}\n",
        join(at, "model"),
        card.name()
    )))
}
