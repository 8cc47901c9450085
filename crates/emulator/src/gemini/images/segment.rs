//! `predict` with the model that finds the parts of a picture: masks, white on black, with labels.

use http::StatusCode;
use serde_json::{Map, Value, json};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    engine::{
        picture::{Colour, Mask, Pixels, foreground, matching},
        words,
    },
    gemini::{
        errors::ApiError,
        fields::{Message, as_object, integer, list, number, object, string},
        images::picture::decode,
        service::Call,
    },
    reply::Reply,
};

const REQUEST: Message = Message::same(&["instances", "labels", "parameters"]);
const INSTANCE: Message = Message::same(&["image", "prompt", "scribble"]);
const PARAMETERS: Message = Message::same(&[
    "binaryColorThreshold",
    "confidenceThreshold",
    "maskDilation",
    "maxPredictions",
    "mode",
]);
const AT: &str = "parameters";

/// A mask with what it shows and how sure that is.
struct Found {
    mask: Mask,
    label: String,
}

/// `POST models/image-segmentation-001:predict`.
pub(crate) fn segment(call: &Call<'_>) -> Result<Reply, ApiError> {
    let body = call.body()?;
    let backend = call.target.backend;
    REQUEST.check(body, "", backend)?;
    let [instance] = list(body, "instances") else {
        return Err(refused("Exactly one instance must be given."));
    };
    let at = "instances[0]";
    let instance = as_object(instance, at)?;
    INSTANCE.check(instance, at, backend)?;
    let image = object(instance, "image", at)?
        .ok_or_else(|| refused("An image is required to segment it."))?;
    let image = decode(image, "instances[0].image", call)?;
    let none = Map::new();
    let parameters = object(body, AT, "")?.unwrap_or(&none);
    PARAMETERS.check(parameters, AT, backend)?;
    let prompt = string(instance, "prompt", at)?.unwrap_or_default();
    let mut found = match string(parameters, "mode", AT)?.unwrap_or_default() {
        "FOREGROUND" | "foreground" | "" => vec![whole(foreground(&image), "foreground")],
        "BACKGROUND" | "background" => vec![whole(foreground(&image).inverted(), "background")],
        "PROMPT" | "prompt" | "SEMANTIC" | "semantic" if prompt.is_empty() => {
            return Err(refused("This mode needs a prompt."));
        }
        "PROMPT" | "prompt" | "SEMANTIC" | "semantic" => by_prompt(&image, prompt),
        "INTERACTIVE" | "interactive" => {
            let scribble = object(instance, "scribble", at)?
                .map(|scribble| object(scribble, "image", "instances[0].scribble"))
                .transpose()?
                .flatten()
                .ok_or_else(|| refused("This mode needs a scribble."))?;
            let scribble = decode(scribble, "instances[0].scribble.image", call)?;
            let drawn = Mask::drawn(&scribble, image.width(), image.height());
            vec![whole(touched(&image, &drawn), "scribble")]
        }
        other => return Err(refused(format!("Invalid mode: '{other}'."))),
    };
    if let Some(most) = integer(parameters, "maxPredictions", AT)? {
        let most = usize::try_from(most).ok().filter(|most| *most > 0);
        found.truncate(most.ok_or_else(|| refused("maxPredictions must be positive."))?);
    }
    let least = number(parameters, "confidenceThreshold", AT)?.unwrap_or_default();
    let dilation = number(parameters, "maskDilation", AT)?.unwrap_or_default();
    number(parameters, "binaryColorThreshold", AT)?;
    if !(0.0..=1.0).contains(&least) || !(0.0..=1.0).contains(&dilation) {
        return Err(refused(
            "confidenceThreshold and maskDilation must be between 0 and 1.",
        ));
    }
    let predictions = found.into_iter().filter_map(|Found { mask, label }| {
        // The more of the picture it takes, the surer.
        let score = 0.5 + mask.share() / 2.0;
        (score >= least && mask.share() > 0.0).then(|| {
            let png = mask.dilated(dilation).to_picture().to_png();
            json!({
                "mimeType": "image/png",
                "bytesBase64Encoded": STANDARD.encode(png),
                "labels": [{ "label": label, "score": score }],
            })
        })
    });
    let predictions: Vec<Value> = predictions.collect();
    Ok(Reply::json(
        StatusCode::OK,
        &json!({ "predictions": predictions }),
    ))
}

/// What the prompt names by its colour, or else what stands out.
fn by_prompt(image: &Pixels, prompt: &str) -> Vec<Found> {
    let things = prompt.split(',').map(str::trim).filter(|it| !it.is_empty());
    things
        .map(|thing| {
            let colour = words::compounds(thing)
                .into_iter()
                .map(str::to_lowercase)
                .find(|word| Colour::named(word).is_some());
            let mask = match colour {
                Some(colour) => matching(image, &colour),
                None => foreground(image),
            };
            whole(mask, thing)
        })
        .collect()
}

/// Everything whose colour the drawn places have.
fn touched(image: &Pixels, drawn: &Mask) -> Mask {
    let places = (0..image.height()).flat_map(|y| (0..image.width()).map(move |x| (x, y)));
    let names: Vec<&str> = places
        .filter(|(x, y)| drawn.is_set(*x, *y))
        .map(|(x, y)| image.at(x, y).name())
        .collect();
    Mask::from_fn(image.width(), image.height(), |x, y| {
        names.contains(&image.at(x, y).name())
    })
}

fn whole(mask: Mask, label: &str) -> Found {
    Found {
        mask,
        label: label.to_owned(),
    }
}

fn refused(problem: impl Into<String>) -> ApiError {
    ApiError::invalid_argument(problem)
}
