//! Several texts as one matrix of rows, and what a loss makes of the scores of each row. Knows no
//! layers.

use std::{ops::Range, sync::Arc};

use candle_core::{Device, Tensor as Matrix};
use rayon::prelude::*;

use crate::tinker::engine::{Datum, Loss, Problem, Tensor, Values};

use super::ops::{self, Attention, Rotation, read};

/// Most rows of one matrix, unless a single text has more: what one thread works on at a time, and
/// has near it.
const ROWS: usize = 256;
/// Most scores, likewise.
const SCORES: usize = 1 << 24;

/// Data whose texts lie one after the other.
pub(crate) struct Batch<'a> {
    /// The number of the first of them in the request.
    first: usize,
    data: &'a [Datum],
    pub(crate) tokens: Vec<u32>,
    texts: Arc<[Range<usize>]>,
}

/// What a loss made of a batch.
pub(crate) struct Judged {
    pub(crate) loss: f64,
    pub(crate) logprobs: Vec<Tensor>,
    /// The slopes of the loss by the scores, until a backward pass takes them.
    pub(crate) slopes: Option<Matrix>,
}

impl<'a> Batch<'a> {
    /// All of `data`, in batches of a handy size.
    pub(crate) fn all(data: &'a [Datum], vocabulary: usize) -> Vec<Self> {
        let most = ROWS.min(SCORES / vocabulary);
        let mut batches = Vec::new();
        let (mut from, mut rows) = (0, 0);
        for (at, datum) in data.iter().enumerate() {
            if rows > 0 && rows + datum.tokens.len() > most {
                batches.push(Self::new(from, &data[from..at]));
                (from, rows) = (at, 0);
            }
            rows += datum.tokens.len();
        }
        if rows > 0 {
            batches.push(Self::new(from, &data[from..]));
        }
        batches
    }

    fn new(first: usize, data: &'a [Datum]) -> Self {
        let mut tokens = Vec::new();
        let texts = data.iter().map(|datum| {
            let from = tokens.len();
            tokens.extend(datum.tokens.iter().map(|token| token.cast_unsigned()));
            from..tokens.len()
        });
        let texts = texts.collect();
        Self {
            first,
            data,
            tokens,
            texts,
        }
    }

    /// Attention within each text.
    pub(crate) fn attention(&self, heads: usize, rotation: &Arc<Rotation>) -> Attention {
        Attention {
            texts: Arc::clone(&self.texts),
            heads,
            rotation: Arc::clone(rotation),
        }
    }

    /// The logprobs of all targets and the loss of them, given the scores of each row.
    pub(crate) fn judge(&self, scores: &Matrix, loss: &Loss) -> Result<Judged, Problem> {
        let (rows, vocabulary) = scores.dims2()?;
        let logprobs = read([scores], |[scores]| {
            let mut logprobs = vec![0.0; scores.len()];
            logprobs
                .par_chunks_mut(vocabulary)
                .zip(scores.par_chunks(vocabulary))
                .for_each(|(logprobs, scores)| ops::wide!(ops::log_softmax(scores, logprobs)));
            Ok(logprobs)
        })?;
        let mut judged = Vec::with_capacity(self.data.len());
        let mut total = 0.0;
        let mut pulls = vec![0.0_f32; rows];
        let mut hits: Vec<(usize, f32)> = Vec::new();
        for (at, (datum, text)) in self.data.iter().zip(self.texts.iter()).enumerate() {
            let named = |problem: Problem| {
                Problem::user(format!("data[{}]: {}", self.first + at, problem.message))
            };
            let (targets, width) = datum.targets(vocabulary as u32).map_err(named)?;
            let shape = targets.shape.clone();
            let targets = targets.integers().unwrap_or_default();
            let place = |at: usize| (text.start + at / width) * vocabulary + targets[at] as usize;
            let places: Vec<usize> = (0..targets.len()).map(place).collect();
            let mine: Vec<f32> = places.iter().map(|place| logprobs[*place]).collect();
            let verdict = loss.judge(datum, &mine).map_err(named)?;
            if !verdict.loss.is_finite() {
                return Err(named(Problem::user("the loss is not finite")));
            }
            total += verdict.loss;
            for (place, slope) in places.into_iter().zip(verdict.slopes) {
                pulls[place / vocabulary] += slope;
                hits.push((place, slope));
            }
            judged.push(Tensor::new(shape, Values::F32(mine))?);
        }
        // By the scores, a logprob has the slope "one for its own token, minus every probability".
        let mut slopes = logprobs;
        slopes
            .par_chunks_mut(vocabulary)
            .zip(&pulls)
            .for_each(|(row, pull)| ops::wide!(ops::spread(row, -pull)));
        for (place, slope) in hits {
            slopes[place] += slope;
        }
        Ok(Judged {
            loss: total,
            logprobs: judged,
            slopes: Some(Matrix::from_vec(slopes, (rows, vocabulary), &Device::Cpu)?),
        })
    }
}
