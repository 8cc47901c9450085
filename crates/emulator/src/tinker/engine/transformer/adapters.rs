//! The matrices that are trained: a pair of low rank for each site that takes part, with its slopes
//! and what the optimiser remembers of it. Knows no data.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore};
use rayon::prelude::*;
use serde_json::json;

use crate::{
    rng,
    tinker::engine::{
        Adapter, Array, OptimParams, Problem, Snapshot, Values,
        adam::Moments,
        shape::{Part, Site},
    },
};

use super::{
    frozen::{Frozen, draw},
    ops::{Lora, read},
};

/// What a checkpoint's notes say of its kind.
const FORMAT: &str = "gimmal-emulator transformer 1";
/// The names of a pair's matrices.
const PAIR: [&str; 2] = ["lora_A", "lora_B"];
/// The names of what the optimisers remember.
const MEMORIES: [&str; 3] = ["first", "second", "momentum"];

/// What PEFT divides by the rank to scale an adapter. Both are far above those of large models, so
/// that the learning rates which these take teach a small model as many things in as many steps.
const ALPHA: f64 = 256.0;
const UNEMBEDDING_ALPHA: f64 = 1024.0;

/// The adapters of one model in training, with an optimiser's state.
#[derive(Debug)]
pub(crate) struct Adapters {
    adapter: Adapter,
    /// For each site, if it is trained.
    pub(crate) loras: Vec<Option<Lora>>,
    memories: Vec<[Memory; 2]>,
    steps: u64,
}

/// What optimisers remember of a matrix.
#[derive(Clone, Debug, Default)]
struct Memory {
    moments: Moments,
    momentum: Vec<f32>,
}

/// The slopes of a loss by the pairs of each site.
#[derive(Debug, Default)]
pub(crate) struct Slopes(Vec<Option<[Tensor; 2]>>);

impl Adapters {
    /// Fresh ones, which change nothing yet.
    pub(crate) fn new(frozen: &Frozen, adapter: &Adapter) -> Result<Self> {
        let loras = frozen.sites.iter().map(|site| fresh(site, adapter));
        let loras: Vec<_> = loras.collect::<Result<_>>()?;
        Ok(Self {
            adapter: adapter.clone(),
            memories: vec![Default::default(); loras.len()],
            loras,
            steps: 0,
        })
    }

    /// The matrices of all sites with their adapters in them.
    pub(crate) fn merged(&self, frozen: &Frozen) -> Result<Vec<Tensor>> {
        let pairs = frozen.matrices.par_iter().zip(&self.loras);
        let merge = |(matrix, lora): (&Tensor, &Option<Lora>)| -> Result<Tensor> {
            match lora {
                None => Ok(matrix.clone()),
                Some(lora) => lora.merged(matrix),
            }
        };
        pairs.map(merge).collect()
    }

    /// The slopes that a backward pass has found.
    pub(crate) fn slopes(&self, found: &GradStore) -> Slopes {
        let of = |lora: &Lora| Some([found.get(&lora.a)?.clone(), found.get(&lora.b)?.clone()]);
        let slopes = self.loras.iter().map(|lora| lora.as_ref().and_then(of));
        Slopes(slopes.collect())
    }

    /// Moves all pairs; gives the norm of the slopes.
    pub(crate) fn step(
        &mut self,
        params: &OptimParams,
        slopes: &Slopes,
    ) -> std::result::Result<f64, Problem> {
        let norm = slopes.norm()?;
        if !norm.is_finite() {
            return Err(Problem::user("the gradients are not finite"));
        }
        let most = match params {
            OptimParams::Adam(params) => params.grad_clip_norm,
            OptimParams::Dimuon(params) => params.grad_clip_norm,
        };
        let scale = if most > 0.0 && norm > most {
            most / norm
        } else {
            1.0
        };
        self.steps += 1;
        for (site, (lora, memories)) in self.loras.iter().zip(&mut self.memories).enumerate() {
            let Some(lora) = lora else { continue };
            let slopes = slopes.0.get(site).and_then(Option::as_ref);
            for (at, (var, memory)) in [&lora.a, &lora.b].into_iter().zip(memories).enumerate() {
                let mut weights = numbers(var)?;
                let slopes = match slopes {
                    Some(slopes) => numbers(&slopes[at])?,
                    None => vec![0.0; weights.len()],
                };
                memory.step(self.steps, params, &mut weights, &slopes, scale);
                var.set(&Tensor::from_vec(weights, var.shape(), &Device::Cpu)?)?;
            }
        }
        Ok(norm)
    }

    /// The pairs by the names that PEFT gives them, and beside them what the optimiser remembers.
    pub(crate) fn save(&self, frozen: &Frozen) -> std::result::Result<Snapshot, Problem> {
        let mut snapshot = Snapshot::default();
        let mut modules = Vec::new();
        for ((site, lora), memories) in frozen.sites.iter().zip(&self.loras).zip(&self.memories) {
            let Some(lora) = lora else { continue };
            modules.push(site.name.clone());
            for (part, var, memory) in [
                (PAIR[0], &lora.a, &memories[0]),
                (PAIR[1], &lora.b, &memories[1]),
            ] {
                let name = array_name(&site.name, part);
                let shape = var.dims().to_vec();
                for (kind, values) in MEMORIES.into_iter().zip(memory.lists()) {
                    let mut values = values.clone();
                    values.resize(var.elem_count(), 0.0);
                    let array = Array::floats(shape.clone(), values);
                    snapshot.optimizer.insert(format!("{name}.{kind}"), array);
                }
                let array = Array::floats(shape, numbers(var)?);
                snapshot.arrays.insert(name, array);
            }
        }
        let notes = [
            ("format", FORMAT.to_owned()),
            ("steps", self.steps.to_string()),
        ];
        let notes = notes.map(|(name, note)| (name.to_owned(), note));
        snapshot.notes.extend(notes);
        snapshot.config.extend([
            ("target_modules".to_owned(), json!(modules)),
            ("lora_alpha".to_owned(), json!(ALPHA)),
            (
                "alpha_pattern".to_owned(),
                json!({"lm_head": UNEMBEDDING_ALPHA}),
            ),
        ]);
        Ok(snapshot)
    }

    /// The adapters of a snapshot, which must be those of this model and rank and no others.
    pub(crate) fn load(
        frozen: &Frozen,
        adapter: &Adapter,
        from: &Snapshot,
        optimizer: bool,
    ) -> std::result::Result<Self, Problem> {
        let refuse = |why: String| Err(Problem::user(why));
        match from.notes.get("format") {
            Some(format) if format == FORMAT => {}
            Some(format) => return refuse(format!("the checkpoint is of another kind: {format}")),
            None => return refuse("the checkpoint does not say of what kind it is".to_owned()),
        }
        let mut loaded = Self::new(frozen, adapter)?;
        let mut expected = BTreeMap::new();
        let sites = frozen.sites.iter().zip(&loaded.loras).enumerate();
        for (at, (site, lora)) in sites {
            for (part, var) in lora
                .iter()
                .flat_map(|lora| PAIR.into_iter().zip([&lora.a, &lora.b]))
            {
                expected.insert(array_name(&site.name, part), (at, part, var.clone()));
            }
        }
        if let Some(name) = from
            .arrays
            .keys()
            .find(|name| !expected.contains_key(*name))
        {
            return refuse(format!(
                "the checkpoint has {name}, which this model does not train"
            ));
        }
        for (name, (at, part, var)) in &expected {
            let values = numbers_of(&from.arrays, name, var.dims())?;
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
            if optimizer {
                let list =
                    |kind: &str| numbers_of(&from.optimizer, &format!("{name}.{kind}"), var.dims());
                let [first, second, momentum] = MEMORIES.map(list);
                loaded.memories[*at][usize::from(*part == PAIR[1])] = Memory {
                    moments: Moments {
                        first: first?,
                        second: second?,
                    },
                    momentum: momentum?,
                };
            }
        }
        if optimizer {
            let steps = from.notes.get("steps").and_then(|steps| steps.parse().ok());
            loaded.steps = match steps {
                Some(steps) => steps,
                None => {
                    return refuse("the checkpoint does not say after how many steps".to_owned());
                }
            };
        }
        Ok(loaded)
    }

    pub(crate) fn adapter(&self) -> &Adapter {
        &self.adapter
    }
}

impl Memory {
    fn lists(&self) -> [&Vec<f32>; 3] {
        [&self.moments.first, &self.moments.second, &self.momentum]
    }

    fn step(
        &mut self,
        step: u64,
        params: &OptimParams,
        weights: &mut [f32],
        slopes: &[f32],
        scale: f64,
    ) {
        match params {
            OptimParams::Adam(params) => {
                params.step(step, weights, slopes, scale, &mut self.moments);
            }
            OptimParams::Dimuon(params) => params.step(weights, slopes, scale, &mut self.momentum),
        }
    }
}

impl Slopes {
    /// Adds other slopes to these.
    pub(crate) fn add(&mut self, others: Self) -> Result<()> {
        if self.0.is_empty() {
            *self = others;
            return Ok(());
        }
        for (mine, other) in self.0.iter_mut().zip(others.0) {
            *mine = match (mine.take(), other) {
                (Some([a, b]), Some([c, d])) => Some([(a + c)?, (b + d)?]),
                (mine, other) => mine.or(other),
            };
        }
        Ok(())
    }

    fn norm(&self) -> Result<f64> {
        let mut square = 0.0;
        for slopes in self.0.iter().flatten().flatten() {
            let numbers = numbers(slopes)?;
            square += numbers.iter().map(|n| f64::from(*n).powi(2)).sum::<f64>();
        }
        Ok(square.sqrt())
    }
}

/// A pair for a site that is trained: the first matrix drawn, the second zero.
fn fresh(site: &Site, adapter: &Adapter) -> Result<Option<Lora>> {
    let (trained, alpha) = match site.part {
        Part::Attention => (adapter.attn, ALPHA),
        Part::Mlp => (adapter.mlp, ALPHA),
        Part::Unembedding => (adapter.unembed, UNEMBEDDING_ALPHA),
    };
    if !trained {
        return Ok(None);
    }
    let (seed, rank) = (rng::mix(adapter.seed), adapter.rank);
    let a = draw(seed, &site.name, (rank, site.columns), 3 * site.columns)?;
    let b = Tensor::zeros((site.rows, rank), DType::F32, &Device::Cpu)?;
    Ok(Some(Lora {
        a: Var::from_tensor(&a)?,
        b: Var::from_tensor(&b)?,
        scale: alpha / rank as f64,
    }))
}

fn array_name(site: &str, part: &str) -> String {
    format!("base_model.model.{site}.{part}.weight")
}

/// The numbers of a tensor, row by row.
pub(super) fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    read([&tensor.contiguous()?], |[numbers]| Ok(numbers.to_vec()))
}

fn numbers_of(
    arrays: &BTreeMap<String, Array>,
    name: &str,
    dims: &[usize],
) -> std::result::Result<Vec<f32>, Problem> {
    let refuse = |why: &str| Err(Problem::user(format!("the checkpoint's {name} {why}")));
    match arrays.get(name) {
        None => refuse("is missing"),
        Some(array) if array.shape != dims => refuse(&format!(
            "has shape {:?}, but this model needs {dims:?}",
            array.shape
        )),
        Some(array) => match &array.values {
            Values::F32(values) if values.iter().all(|value| value.is_finite()) => {
                Ok(values.clone())
            }
            Values::F32(_) => refuse("holds a value that is not finite"),
            Values::I64(_) => refuse("holds whole numbers"),
        },
    }
}
