//! Embeddings: by content on both services, and by instances on Vertex.

mod calls;
mod embed;
mod media;
mod predict;
mod request;

pub(crate) use calls::{batch_embed_contents, embed_content, embed_one};
pub(crate) use media::predict_media;
pub(crate) use predict::{embed_instance, predict};
