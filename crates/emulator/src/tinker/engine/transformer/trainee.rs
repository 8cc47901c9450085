//! A transformer in training: passes that add up slopes, steps that spend them, and its state as a
//! snapshot.

use std::{collections::BTreeMap, sync::Arc};

use rayon::prelude::*;

use crate::tinker::engine::{
    BaseModel, Datum, Loss, OptimParams, Passed, Problem, Snapshot, Trainee, Weights,
};

use super::{
    adapters::{Adapters, Slopes},
    batch::Batch,
    net::Model,
    ops::Rotation,
};

pub(crate) struct TransformerTrainee {
    pub(crate) base: BaseModel,
    model: Arc<Model>,
    adapters: Adapters,
    slopes: Slopes,
}

impl TransformerTrainee {
    pub(crate) fn new(
        base: &BaseModel,
        plain: &Model,
        adapters: Adapters,
    ) -> Result<Self, Problem> {
        Ok(Self {
            base: base.clone(),
            model: merged(plain, &adapters)?,
            adapters,
            slopes: Slopes::default(),
        })
    }
}

impl Trainee for TransformerTrainee {
    fn pass(&mut self, data: &[Datum], loss: &Loss, backward: bool) -> Result<Passed, Problem> {
        self.base.check(data)?;
        let mut passed = Passed::default();
        let mut total = 0.0;
        // They are added to the others at the end, so that a bad datum leaves none behind.
        let mut slopes = Slopes::default();
        let loras = if backward {
            self.adapters.loras.as_slice()
        } else {
            &[]
        };
        let shape = &self.model.frozen.shape;
        let longest = data.iter().map(|datum| datum.tokens.len()).max();
        let rotation = Rotation::new(0..longest.unwrap_or(0), shape.width / shape.heads);
        let rotation = Arc::new(rotation);
        let pass = |batch: Batch<'_>| {
            let attention = batch.attention(shape.heads, &rotation);
            let hidden = self.model.hidden(&batch.tokens, loras, |_, [q, k, v]| {
                q.apply_op3(k, v, attention.clone())
            })?;
            let mut judged = batch.judge(&self.model.scores(&hidden)?, loss)?;
            let Some(slopes) = judged.slopes.take().filter(|_| backward) else {
                return Ok((judged, Slopes::default()));
            };
            let found = self.model.start(&hidden, loras, slopes)?.backward()?;
            Ok((judged, self.adapters.slopes(&found)))
        };
        let batches = Batch::all(data, self.model.frozen.vocabulary);
        let batches: Vec<Result<_, Problem>> = batches.into_par_iter().map(pass).collect();
        // Sums are taken in the order of the data, whichever thread was done first.
        for batch in batches {
            let (judged, found) = batch?;
            total += judged.loss;
            passed.logprobs.extend(judged.logprobs);
            slopes.add(found)?;
        }
        self.slopes.add(slopes)?;
        passed.metrics.insert("loss:sum".to_owned(), total);
        Ok(passed)
    }

    fn step(&mut self, params: &OptimParams) -> Result<BTreeMap<String, f64>, Problem> {
        let slopes = std::mem::take(&mut self.slopes);
        let norm = self.adapters.step(params, &slopes)?;
        self.model = merged(&self.model, &self.adapters)?;
        Ok(BTreeMap::from([(
            "unclipped_grad_l2:mean".to_owned(),
            norm,
        )]))
    }

    fn save(&self) -> Result<Snapshot, Problem> {
        self.adapters.save(&self.model.frozen)
    }

    fn load(&mut self, from: &Snapshot, optimizer: bool) -> Result<(), Problem> {
        let frozen = &self.model.frozen;
        let adapters = Adapters::load(frozen, self.adapters.adapter(), from, optimizer)?;
        self.model = merged(&self.model, &adapters)?;
        self.adapters = adapters;
        Ok(())
    }

    fn weights(&self) -> Arc<dyn Weights> {
        Arc::clone(&self.model) as _
    }
}

/// The same base model with the adapters of this moment.
fn merged(model: &Model, adapters: &Adapters) -> Result<Arc<Model>, Problem> {
    Ok(Arc::new(Model {
        frozen: Arc::clone(&model.frozen),
        matrices: adapters.merged(&model.frozen)?,
    }))
}
