//! `predict`: one address for several families of models, told apart here.

use crate::{
    gemini::{
        abilities::{Imagen, Kind},
        embeddings,
        errors::ApiError,
        images, models,
        service::Call,
    },
    reply::Reply,
};

/// `POST models/{model}:predict`.
pub(crate) fn predict(call: &Call<'_>) -> Result<Reply, ApiError> {
    let name = &call.target.resource;
    let card = call.catalogue.find(name, call.target, "predict")?;
    match card.kind() {
        Kind::Imagen(Imagen::Segment) => images::segment(call),
        Kind::Imagen(kind) => images::predict(kind, call),
        Kind::Embedder { .. } => embeddings::predict(card, call),
        Kind::MediaEmbedder => embeddings::predict_media(card, call),
        Kind::Chat
        | Kind::Painter
        | Kind::Speaker
        | Kind::Filmmaker
        | Kind::Live
        | Kind::Musician => Err(models::unknown(name, call.target, "predict")),
    }
}
