//! Small pictures: read, painted from words, masked, and written as PNG or JPEG.

mod mask;
mod paint;
mod pixels;

pub(crate) use mask::{Mask, foreground, matching};
pub(crate) use paint::{paint, repaint};
pub(crate) use pixels::{Colour, Pixels, decode};
