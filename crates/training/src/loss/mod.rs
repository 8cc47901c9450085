//! Losses over tensors: what they see, what they give, and how they are differentiated.

mod batch;
mod dpo;
mod gradient;
mod per_datum;
mod tensor;
mod value;

pub(crate) use batch::dense;
pub use batch::{DatumInputs, LossBatch, Padded};
pub use dpo::Dpo;
pub(crate) use gradient::{check_gradient, differentiate, floats, joined, leaf, scalar, split};
pub use per_datum::PerDatumLoss;
pub use tensor::TensorLoss;
pub use value::LossValue;
