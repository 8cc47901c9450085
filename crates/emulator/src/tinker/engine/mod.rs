//! What trains and samples, behind traits: a quick n-gram model and, if it is built in, a transformer.
//! Knows numbers, not HTTP.

mod adam;
mod data;
mod dimuon;
mod engines;
mod losses;
mod ngram;
mod sample;
#[cfg(feature = "transformer")]
mod shape;
mod snapshot;
mod traits;
#[cfg(feature = "transformer")]
mod transformer;
#[cfg(feature = "transformer")]
mod vocabulary;

pub(crate) use adam::AdamParams;
pub(crate) use data::{Datum, Tensor, Values};
pub(crate) use dimuon::DimuonParams;
pub(crate) use engines::Engines;
pub(crate) use losses::{Loss, Setting};
use ngram::NgramEngine;
pub(crate) use sample::{Ask, Sampled, Sequence, Stop, TopK, sample};
#[cfg(feature = "transformer")]
pub(crate) use shape::Shape;
pub(crate) use snapshot::{Array, Snapshot};
pub(crate) use traits::{
    Adapter, BaseModel, Engine, OptimParams, Passed, Problem, Reader, Scores, Trainee, Weights,
};
#[cfg(feature = "transformer")]
pub(crate) use vocabulary::Vocabulary;
