//! The `parameters` of a `predict` call for pictures, decoded and checked.

use serde_json::{Map, Value};

use crate::{
    gemini::{
        abilities::Imagen,
        errors::ApiError,
        fields::{Message, boolean, integer, number, object, string},
        images::size::Size,
        service::Call,
    },
    route::Backend,
};

const AT: &str = "parameters";
const PARAMETERS: Message = Message::same(&[
    "addWatermark",
    "aspectRatio",
    "baseSteps",
    "editConfig",
    "editMode",
    "enhancePrompt",
    "guidanceScale",
    "includeRaiReason",
    "includeSafetyAttributes",
    "language",
    "mode",
    "negativePrompt",
    "outputOptions",
    "personGeneration",
    "safetySetting",
    "sampleCount",
    "sampleImageSize",
    "seed",
    "storageUri",
    "upscaleConfig",
]);
const OUTPUT_OPTIONS: Message = Message::same(&["compressionQuality", "mimeType"]);
const UPSCALE: Message = Message::same(&[
    "enhanceInputImage",
    "imagePreservationFactor",
    "upscaleFactor",
]);
const EDIT: Message = Message::same(&["baseSteps"]);
const MOST_SAMPLES: i64 = 4;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Parameters<'a> {
    pub(crate) samples: usize,
    pub(crate) size: Size,
    pub(crate) seed: u64,
    pub(crate) mime: &'static str,
    pub(crate) quality: u8,
    pub(crate) negative_prompt: &'a str,
    pub(crate) storage: Option<&'a str>,
    pub(crate) enhance: bool,
    pub(crate) with_reasons: bool,
    pub(crate) with_safety: bool,
    /// Whether pictures of people are wanted.
    pub(crate) people: bool,
    pub(crate) edit_mode: &'a str,
    /// How many times larger, when the call is to enlarge.
    pub(crate) factor: Option<u32>,
}

impl<'a> Parameters<'a> {
    pub(crate) fn decode(
        body: &'a Map<String, Value>,
        kind: Imagen,
        call: &Call<'_>,
    ) -> Result<Self, ApiError> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let fields = object(body, AT, "")?.unwrap_or(&EMPTY);
        PARAMETERS.check(fields, AT, call.target.backend)?;
        let samples = integer(fields, "sampleCount", AT)?.unwrap_or(1);
        if !(1..=MOST_SAMPLES).contains(&samples) {
            return Err(refused(format!(
                "Sample count must be between 1 and {MOST_SAMPLES}, not {samples}."
            )));
        }
        let ratio = string(fields, "aspectRatio", AT)?.unwrap_or_default();
        let sampled = string(fields, "sampleImageSize", AT)?.unwrap_or_default();
        let size = Size::named(ratio, sampled, Size::IMAGEN).ok_or_else(|| {
            refused(format!(
                "Invalid aspect ratio '{ratio}' or size '{sampled}'. Valid ratios are: {}; valid \
                 sizes are: 1K, 2K.",
                Size::IMAGEN.join(", ")
            ))
        })?;
        let seed = integer(fields, "seed", AT)?;
        if seed.is_some() && boolean(fields, "addWatermark", AT)? == Some(true) {
            return Err(refused("Seed is not supported when watermark is enabled."));
        }
        if let Some(scale) = number(fields, "guidanceScale", AT)?
            && !(0.0..=500.0).contains(&scale)
        {
            return Err(refused("Guidance scale must be between 0 and 500."));
        }
        if let Some(config) = object(fields, "editConfig", AT)? {
            EDIT.check(config, "parameters.edit_config", call.target.backend)?;
            integer(config, "baseSteps", "parameters.edit_config")?;
        }
        let (mime, quality) = output(fields, call.target.backend)?;
        let storage = string(fields, "storageUri", AT)?.filter(|uri| !uri.is_empty());
        if let Some(uri) = storage
            && (call.target.backend == Backend::Developer || !uri.starts_with("gs://"))
        {
            return Err(refused(format!("Invalid storage URI: {uri}")));
        }
        let yes = |field: &str| Ok(boolean(fields, field, AT)?.unwrap_or(false));
        let people = string(fields, "personGeneration", AT)?.unwrap_or_default();
        Ok(Self {
            samples: samples as usize,
            size,
            seed: seed.unwrap_or_default().unsigned_abs(),
            mime,
            quality,
            negative_prompt: string(fields, "negativePrompt", AT)?.unwrap_or_default(),
            storage,
            enhance: yes("enhancePrompt")?,
            with_reasons: yes("includeRaiReason")?,
            with_safety: yes("includeSafetyAttributes")?,
            people: !people.eq_ignore_ascii_case("dont_allow"),
            edit_mode: string(fields, "editMode", AT)?.unwrap_or_default(),
            factor: factor(fields, kind, call.target.backend)?,
        })
    }
}

/// The type of the files and their quality.
fn output(fields: &Map<String, Value>, backend: Backend) -> Result<(&'static str, u8), ApiError> {
    const AT: &str = "parameters.output_options";
    let Some(options) = object(fields, "outputOptions", "parameters")? else {
        return Ok(("image/png", 75));
    };
    OUTPUT_OPTIONS.check(options, AT, backend)?;
    let mime = match string(options, "mimeType", AT)?.unwrap_or_default() {
        "" | "image/png" => "image/png",
        "image/jpeg" | "image/jpg" => "image/jpeg",
        other => {
            return Err(refused(format!(
                "Unsupported output MIME type: {other}. Use image/png or image/jpeg."
            )));
        }
    };
    match integer(options, "compressionQuality", AT)? {
        None => Ok((mime, 75)),
        Some(quality @ 0..=100) => Ok((mime, quality as u8)),
        Some(quality) => Err(refused(format!(
            "Compression quality must be between 0 and 100, not {quality}."
        ))),
    }
}

fn factor(
    fields: &Map<String, Value>,
    kind: Imagen,
    backend: Backend,
) -> Result<Option<u32>, ApiError> {
    const AT: &str = "parameters.upscale_config";
    let mode = string(fields, "mode", "parameters")?.unwrap_or_default();
    if mode != "upscale" && kind != Imagen::Upscale {
        return Ok(None);
    }
    let Some(config) = object(fields, "upscaleConfig", "parameters")? else {
        return Err(refused("upscaleConfig is required to enlarge an image."));
    };
    UPSCALE.check(config, AT, backend)?;
    boolean(config, "enhanceInputImage", AT)?;
    if let Some(kept) = number(config, "imagePreservationFactor", AT)?
        && !(0.0..=1.0).contains(&kept)
    {
        return Err(refused(
            "Image preservation factor must be between 0 and 1.",
        ));
    }
    match string(config, "upscaleFactor", AT)?.unwrap_or_default() {
        "x2" => Ok(Some(2)),
        "x3" => Ok(Some(3)),
        "x4" => Ok(Some(4)),
        other => Err(refused(format!(
            "Invalid upscale factor '{other}'. Valid factors are: x2, x3, x4."
        ))),
    }
}

fn refused(problem: impl Into<String>) -> ApiError {
    ApiError::invalid_argument(problem)
}
