//! The steps between the matrix products, each as one operation with its own derivative, since the
//! chain of small operations that candle would differentiate by itself takes several times as long.
//! Sums are always taken in the same order, whatever the number of threads.

mod attention;
mod gate;
mod head;
mod norm;
mod product;
mod project;
mod slices;

pub(crate) use attention::{Attention, Cache, Rotation, THETA};
pub(crate) use gate::Gate;
pub(crate) use norm::{EPSILON, Norm};
pub(crate) use project::{Lora, Project};
pub(crate) use slices::{log_softmax, read, spread, wide};
