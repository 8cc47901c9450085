//! Vectors for texts and media, in which related things lie closer to each other than unrelated
//! ones. Made by hashing and a list of subjects, not by a model.

mod media;
mod space;
mod text;
mod topics;

#[cfg(test)]
mod tests;

pub(crate) use media::features as media_features;
pub(crate) use space::{DIMENSIONS, Features, normalise, vector};
pub(crate) use text::features as text_features;
