//! What trains and samples, behind traits, and the small engine there is. Knows numbers, not HTTP.

mod adam;
mod data;
mod dimuon;
mod losses;
mod ngram;
mod sample;
mod snapshot;
mod traits;

pub(crate) use adam::AdamParams;
pub(crate) use data::{Datum, Tensor, Values};
pub(crate) use dimuon::DimuonParams;
pub(crate) use losses::{Loss, Setting};
pub(crate) use ngram::NgramEngine;
pub(crate) use sample::{Ask, Sampled, Sequence, Stop, TopK, sample};
pub(crate) use snapshot::{Array, Snapshot};
pub(crate) use traits::{
    Adapter, BaseModel, Engine, OptimParams, Passed, Problem, Reader, Scores, Trainee, Weights,
};
