//! `predict` with a model that makes pictures: from a prompt, from reference pictures, from
//! products or people, and larger ones from small ones.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::picture::{Mask, Pixels, foreground, paint, repaint},
    gemini::{
        abilities::Imagen,
        errors::ApiError,
        fields::{Message, as_object, list, number, object, string},
        images::{
            parameters::Parameters,
            picture::{decode, prediction},
            safety,
        },
        service::Call,
    },
    reply::Reply,
};

const REQUEST: Message = Message::same(&["instances", "labels", "parameters"]);
const INSTANCE: Message = Message::same(&[
    "image",
    "personImage",
    "productImages",
    "prompt",
    "referenceImages",
]);
const REFERENCE: Message = Message::same(&[
    "controlImageConfig",
    "maskImageConfig",
    "referenceId",
    "referenceImage",
    "referenceType",
    "styleImageConfig",
    "subjectImageConfig",
]);
const WITH_IMAGE: Message = Message::same(&["image"]);
/// The most pixels an enlarged picture may have.
const MOST_PIXELS: u64 = 17_000_000;

/// `POST models/{model}:predict` with a model of the given kind.
pub(crate) fn predict(kind: Imagen, call: &Call<'_>) -> Result<Reply, ApiError> {
    let body = call.body()?;
    REQUEST.check(body, "", call.target.backend)?;
    let [instance] = list(body, "instances") else {
        return Err(ApiError::invalid_argument(
            "Exactly one instance must be given to make images.",
        ));
    };
    let at = "instances[0]";
    let instance = as_object(instance, at)?;
    INSTANCE.check(instance, at, call.target.backend)?;
    let parameters = Parameters::decode(body, kind, call)?;
    let prompt = string(instance, "prompt", at)?.unwrap_or_default();
    let source = Source::decode(instance, prompt, kind, &parameters, call)?;

    let mut predictions = Vec::new();
    if let Some(reason) = safety::reason(prompt, &parameters, call) {
        // Without the reason the picture is simply missing.
        if parameters.with_reasons {
            predictions.push(json!({ "raiFilteredReason": reason }));
        }
    } else {
        let asked = if parameters.enhance {
            enhanced(prompt)
        } else {
            prompt.to_owned()
        };
        for n in 0..parameters.samples {
            let pixels = source.sample(&asked, n, &parameters);
            let mut prediction = prediction(&pixels, n, &parameters, call);
            if parameters.enhance && !prompt.is_empty() {
                prediction["prompt"] = asked.clone().into();
            }
            if parameters.with_safety {
                prediction["safetyAttributes"] = safety::attributes(&asked);
                prediction["contentType"] = "Generated Image".into();
            }
            predictions.push(prediction);
        }
    }
    if parameters.with_safety && kind == Imagen::Generate {
        predictions.push(json!({
            "contentType": "Positive Prompt",
            "safetyAttributes": safety::attributes(prompt),
        }));
    }
    let mut reply = json!({});
    if !predictions.is_empty() {
        reply["predictions"] = predictions.into();
    }
    Ok(Reply::json(StatusCode::OK, &reply))
}

/// What pictures are made from.
enum Source {
    Words,
    Enlarged(Pixels, u32),
    /// A picture, and which part of it changes.
    Edited(Pixels, Mask),
    /// Pictures put onto a scene, side by side.
    Placed(Vec<Pixels>),
}

impl Source {
    fn decode(
        instance: &Map<String, Value>,
        prompt: &str,
        kind: Imagen,
        parameters: &Parameters<'_>,
        call: &Call<'_>,
    ) -> Result<Self, ApiError> {
        if let Some(factor) = parameters.factor {
            let image = required(instance, "image", "instances[0]")?;
            let image = decode(image, "instances[0].image", call)?;
            let pixels = u64::from(image.width()) * u64::from(image.height());
            if pixels * u64::from(factor).pow(2) > MOST_PIXELS {
                return Err(ApiError::invalid_argument(format!(
                    "The enlarged image would have more than {MOST_PIXELS} pixels."
                )));
            }
            return Ok(Self::Enlarged(image, factor));
        }
        match kind {
            Imagen::Recontext => Self::placed(instance, call),
            Imagen::Edit => Self::edited(instance, parameters, call),
            _ if prompt.is_empty() => Err(ApiError::invalid_argument(
                "Text prompt is required to generate images.",
            )),
            _ => Ok(Self::Words),
        }
    }

    fn placed(instance: &Map<String, Value>, call: &Call<'_>) -> Result<Self, ApiError> {
        let mut images = Vec::new();
        let person = object(instance, "personImage", "instances[0]")?;
        let person = person.map(|fields| (fields, "instances[0].person_image".to_owned()));
        let products = list(instance, "productImages").iter().enumerate();
        let products = products.map(|(n, product)| {
            let at = format!("instances[0].product_images[{n}]");
            Ok((as_object(product, &at)?, at))
        });
        for found in person.into_iter().map(Ok).chain(products) {
            let (fields, at) = found?;
            WITH_IMAGE.check(fields, &at, call.target.backend)?;
            let image = required(fields, "image", &at)?;
            images.push(decode(image, &format!("{at}.image"), call)?);
        }
        if images.is_empty() {
            return Err(ApiError::invalid_argument(
                "At least one product image is required.",
            ));
        }
        Ok(Self::Placed(images))
    }

    fn edited(
        instance: &Map<String, Value>,
        parameters: &Parameters<'_>,
        call: &Call<'_>,
    ) -> Result<Self, ApiError> {
        let references = list(instance, "referenceImages");
        if references.is_empty() {
            return Err(ApiError::invalid_argument(
                "At least one reference image is required to edit an image.",
            ));
        }
        let (mut raw, mut mask, mut other) = (None, None, None);
        for (n, reference) in references.iter().enumerate() {
            let at = format!("instances[0].reference_images[{n}]");
            let reference = as_object(reference, &at)?;
            REFERENCE.check(reference, &at, call.target.backend)?;
            let image = object(reference, "referenceImage", &at)?
                .map(|image| decode(image, &format!("{at}.reference_image"), call))
                .transpose()?;
            match string(reference, "referenceType", &at)?.unwrap_or_default() {
                "REFERENCE_TYPE_RAW" => raw = image,
                "REFERENCE_TYPE_MASK" => mask = Some((image, reference, at)),
                "REFERENCE_TYPE_CONTROL"
                | "REFERENCE_TYPE_STYLE"
                | "REFERENCE_TYPE_SUBJECT"
                | "REFERENCE_TYPE_CONTENT" => other = other.or(image),
                unknown => {
                    return Err(ApiError::invalid_argument(format!(
                        "Invalid reference type: '{unknown}'."
                    )));
                }
            }
        }
        let Some(base) = raw.or(other) else {
            return Err(ApiError::invalid_argument(
                "A raw reference image is required to edit an image.",
            ));
        };
        let whole = || Mask::from_fn(base.width(), base.height(), |_, _| true);
        let mask = match mask {
            Some((drawn, reference, at)) => {
                let drawn = drawn.map(|mask| Mask::drawn(&mask, base.width(), base.height()));
                choose(drawn, &base, reference, &at)?
            }
            None if parameters.edit_mode.contains("INPAINT") => {
                return Err(ApiError::invalid_argument(
                    "A mask reference image is required for this edit mode.",
                ));
            }
            None if parameters.edit_mode.contains("BGSWAP") => foreground(&base).inverted(),
            None => whole(),
        };
        Ok(Self::Edited(base, mask))
    }

    fn sample(&self, prompt: &str, n: usize, parameters: &Parameters<'_>) -> Pixels {
        let seed = parameters.seed ^ (n as u64) << 32;
        // What is not wanted changes the picture too.
        let prompt = match parameters.negative_prompt {
            "" => prompt.to_owned(),
            negative => format!("{prompt}\u{0}{negative}"),
        };
        match self {
            Self::Words => paint(&prompt, seed, parameters.size.width, parameters.size.height),
            Self::Enlarged(image, factor) => {
                image.resized(image.width() * factor, image.height() * factor)
            }
            Self::Edited(base, mask) => repaint(base, mask, &prompt, seed),
            Self::Placed(images) => place(images, &prompt, seed, parameters),
        }
    }
}

/// The part of a picture a mask means: as drawn, or found by the emulator.
fn choose(
    drawn: Option<Mask>,
    base: &Pixels,
    reference: &Map<String, Value>,
    at: &str,
) -> Result<Mask, ApiError> {
    const CONFIG: Message = Message::same(&["dilation", "maskClasses", "maskMode"]);
    let Some(config) = object(reference, "maskImageConfig", at)? else {
        return drawn.ok_or_else(|| {
            ApiError::invalid_argument("A mask without an image must have a mask mode.")
        });
    };
    let at = format!("{at}.mask_image_config");
    CONFIG.check(config, &at, crate::route::Backend::Vertex)?;
    let mask = match string(config, "maskMode", &at)?.unwrap_or_default() {
        "MASK_MODE_FOREGROUND" | "MASK_MODE_SEMANTIC" => foreground(base),
        "MASK_MODE_BACKGROUND" => foreground(base).inverted(),
        _ => {
            drawn.ok_or_else(|| ApiError::invalid_argument("This mask mode needs a mask image."))?
        }
    };
    let dilation = number(config, "dilation", &at)?.unwrap_or_default();
    if !(0.0..=1.0).contains(&dilation) {
        return Err(ApiError::invalid_argument(format!(
            "Mask dilation must be between 0 and 1, not {dilation}."
        )));
    }
    Ok(mask.dilated(dilation))
}

/// The pictures, small and side by side, on a scene painted from the prompt.
fn place(images: &[Pixels], prompt: &str, seed: u64, parameters: &Parameters<'_>) -> Pixels {
    let size = parameters.size;
    let scene = paint(prompt, seed, size.width, size.height);
    let width = (size.width / (images.len() as u32 + 1)).max(1);
    let placed: Vec<Pixels> = images
        .iter()
        .map(|image| image.resized(width, (size.height / 2).max(1)))
        .collect();
    let (left, top) = (width / 2, size.height / 4);
    Pixels::from_fn(size.width, size.height, |x, y| {
        let at = x.checked_sub(left).zip(y.checked_sub(top));
        let found = at.and_then(|(across, down)| {
            let image = placed.get((across / width) as usize)?;
            (down < image.height()).then(|| image.at(across % width, down))
        });
        found.unwrap_or_else(|| scene.at(x, y))
    })
}

/// The prompt as the service's rewriter might put it.
fn enhanced(prompt: &str) -> String {
    format!("{prompt}, in natural light, with fine detail and a calm composition")
}

fn required<'a>(
    fields: &'a Map<String, Value>,
    field: &str,
    at: &str,
) -> Result<&'a Map<String, Value>, ApiError> {
    object(fields, field, at)?.ok_or_else(|| {
        ApiError::invalid_argument(format!("{at}.{field} is required by this model."))
    })
}
