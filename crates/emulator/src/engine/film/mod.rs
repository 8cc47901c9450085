//! Films: small ones that any player shows, made without an encoder. A film is flat colours that
//! change, as uncompressed H.264 pictures in an MP4 file.

mod boxes;
mod frames;
mod shape;

pub(crate) use boxes::film;
pub(crate) use shape::Shape;
