//! The engine there is: a language model small enough to be trained while a test waits, and true to
//! the calculus. The next token is scored by the product of two low-rank tables, one with a row for
//! each context of one, two and three tokens and one with a row for each token, so that the base
//! model is uniform, every loss has a true gradient, and what is taught often enough is learnt.
//!
//! As in LoRA the one table begins at random and the other at zero. That makes all tokens that were
//! never a target equal for ever: they share one row, whose weight in every sum is their number, and
//! a vocabulary of 100,000 costs no more than the tokens in use. It is exact, not an approximation.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::rng::{self, Rng};

use super::{
    Adapter, Array, BaseModel, Datum, Engine, Loss, OptimParams, Passed, Problem, Reader, Scores,
    Snapshot, Tensor, Trainee, Values, Weights, adam::Moments, data,
};

/// The longest context in tokens that has a row of its own.
const ORDERS: usize = 3;
/// Raises the scores, so that the learning rates that large models take teach this one too. It is
/// divided by the rank, as LoRA's alpha is.
const GAIN: f32 = 2048.0;
/// The key of the row that all tokens share that were never a target.
const REST: i64 = -1;

/// Makes trainees of the n-gram model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NgramEngine;

/// Both tables; what they mean is up to the functions below.
#[derive(Clone, Debug)]
struct Tables {
    base: BaseModel,
    adapter: Adapter,
    contexts: Table,
    /// The row of [`REST`] comes first.
    tokens: Table,
}

/// Rows by key, with what an optimiser remembers of them.
#[derive(Clone, Debug)]
struct Table {
    width: usize,
    keys: Vec<i64>,
    places: HashMap<i64, usize>,
    rows: Vec<f32>,
    gradients: Vec<f32>,
    moments: Moments,
    momentum: Vec<f32>,
}

#[derive(Debug)]
struct NgramTrainee {
    tables: Tables,
    steps: u64,
}

#[derive(Clone, Debug)]
struct NgramReader<'a> {
    tables: &'a Tables,
    past: [i32; ORDERS],
}

impl Engine for NgramEngine {
    fn trainee(
        &self,
        base: &BaseModel,
        adapter: &Adapter,
        from: Option<(&Snapshot, bool)>,
    ) -> Result<Box<dyn Trainee>, Problem> {
        let mut trainee = NgramTrainee {
            tables: Tables::new(base, adapter),
            steps: 0,
        };
        if let Some((snapshot, optimizer)) = from {
            trainee.load(snapshot, optimizer)?;
        }
        Ok(Box::new(trainee))
    }

    fn base(&self, base: &BaseModel) -> Result<Arc<dyn Weights>, Problem> {
        let adapter = Adapter {
            rank: 1,
            seed: 0,
            unembed: true,
            mlp: true,
            attn: true,
        };
        Ok(Arc::new(Tables::new(base, &adapter)))
    }
}

impl Trainee for NgramTrainee {
    fn pass(&mut self, data: &[Datum], loss: &Loss, backward: bool) -> Result<Passed, Problem> {
        let vocabulary = self.tables.base.vocabulary;
        self.tables.base.check(data)?;
        let mut passed = Passed::default();
        let mut total = 0.0;
        let mut slopes = Vec::with_capacity(data.len());
        for (at, datum) in data.iter().enumerate() {
            let logprobs = self.tables.logprobs(datum)?;
            let verdict = loss.judge(datum, &logprobs);
            let verdict = verdict
                .map_err(|problem| Problem::user(format!("data[{at}]: {}", problem.message)))?;
            if !verdict.loss.is_finite() {
                return Err(Problem::user(format!("data[{at}]: the loss is not finite")));
            }
            total += verdict.loss;
            slopes.push(verdict.slopes);
            let shape = datum.targets(vocabulary)?.0.shape.clone();
            passed
                .logprobs
                .push(Tensor::new(shape, Values::F32(logprobs))?);
        }
        // Gradients come last, so that a bad datum leaves none behind.
        if backward {
            for (datum, slopes) in data.iter().zip(&slopes) {
                self.tables.descend(datum, slopes)?;
            }
        }
        passed.metrics.insert("loss:sum".to_owned(), total);
        Ok(passed)
    }

    fn step(&mut self, params: &OptimParams) -> Result<BTreeMap<String, f64>, Problem> {
        let norm = self.tables.gradient_norm();
        if !norm.is_finite() {
            self.tables.forget_gradients();
            return Err(Problem::user("the gradients are not finite"));
        }
        self.steps += 1;
        let most = match params {
            OptimParams::Adam(params) => params.grad_clip_norm,
            OptimParams::Dimuon(params) => params.grad_clip_norm,
        };
        let scale = if most > 0.0 && norm > most {
            most / norm
        } else {
            1.0
        };
        for table in [&mut self.tables.contexts, &mut self.tables.tokens] {
            match params {
                OptimParams::Adam(params) => params.step(
                    self.steps,
                    &mut table.rows,
                    &table.gradients,
                    scale,
                    &mut table.moments,
                ),
                OptimParams::Dimuon(params) => {
                    params.step(
                        &mut table.rows,
                        &table.gradients,
                        scale,
                        &mut table.momentum,
                    );
                }
            }
        }
        self.tables.forget_gradients();
        Ok(BTreeMap::from([(
            "unclipped_grad_l2:mean".to_owned(),
            norm,
        )]))
    }

    fn save(&self) -> Result<Snapshot, Problem> {
        let mut snapshot = Snapshot::default();
        self.tables.contexts.save("contexts", &mut snapshot);
        self.tables.tokens.save("tokens", &mut snapshot);
        let notes = [
            ("format", "gimmal-emulator ngram 1".to_owned()),
            ("steps", self.steps.to_string()),
        ];
        snapshot
            .notes
            .extend(notes.map(|(name, note)| (name.to_owned(), note)));
        Ok(snapshot)
    }

    fn load(&mut self, from: &Snapshot, optimizer: bool) -> Result<(), Problem> {
        let width = self.tables.adapter.rank;
        let contexts = Table::load(from, "contexts", width, optimizer)?;
        let tokens = Table::load(from, "tokens", width, optimizer)?;
        let vocabulary = self.tables.base.vocabulary;
        let fits = tokens.keys.first() == Some(&REST)
            && tokens.keys[1..]
                .iter()
                .all(|token| data::is_token(*token, vocabulary));
        if !fits {
            return Err(Problem::user(
                "the checkpoint holds tokens that the base model does not have",
            ));
        }
        let steps = from.notes.get("steps").and_then(|steps| steps.parse().ok());
        self.steps = steps.filter(|_| optimizer).unwrap_or(0);
        self.tables.contexts = contexts;
        self.tables.tokens = tokens;
        Ok(())
    }

    fn weights(&self) -> Arc<dyn Weights> {
        let mut tables = self.tables.clone();
        for table in [&mut tables.contexts, &mut tables.tokens] {
            table.gradients = Vec::new();
            table.moments = Moments::default();
            table.momentum = Vec::new();
        }
        Arc::new(tables)
    }
}

impl Weights for Tables {
    fn read(&self) -> Box<dyn Reader + '_> {
        Box::new(NgramReader {
            tables: self,
            past: [-1; ORDERS],
        })
    }
}

impl Reader for NgramReader<'_> {
    fn push(&mut self, tokens: &[i32]) -> Result<(), Problem> {
        for token in tokens {
            self.past.rotate_right(1);
            self.past[0] = *token;
        }
        Ok(())
    }

    fn scores(&self) -> Scores {
        self.tables.scores(&self.tables.hidden(&keys(&self.past)))
    }

    fn fork(&self) -> Box<dyn Reader + '_> {
        Box::new(self.clone())
    }
}

impl Tables {
    fn new(base: &BaseModel, adapter: &Adapter) -> Self {
        let mut tokens = Table::new(adapter.rank);
        tokens.add(REST, vec![0.0; adapter.rank]);
        Self {
            base: base.clone(),
            adapter: adapter.clone(),
            contexts: Table::new(adapter.rank),
            tokens,
        }
    }

    /// The sum of the rows of the contexts.
    fn hidden(&self, keys: &[i64; ORDERS]) -> Vec<f32> {
        let mut hidden = vec![0.0; self.adapter.rank];
        for key in keys {
            match self.contexts.places.get(key) {
                Some(place) => add(&mut hidden, self.contexts.row(*place), 1.0),
                None => add(&mut hidden, &self.first_row(*key), 1.0),
            }
        }
        hidden
    }

    /// The row of a context before any step.
    fn first_row(&self, key: i64) -> Vec<f32> {
        let mut rng = Rng::new(rng::mix(self.adapter.seed) ^ key.cast_unsigned());
        let drawn = (0..self.adapter.rank).map(|_| (rng.fraction() * 2.0 - 1.0) as f32);
        drawn.collect()
    }

    fn gain(&self) -> f32 {
        GAIN / self.adapter.rank as f32
    }

    /// The score of every row of tokens, in their order.
    fn row_scores(&self, hidden: &[f32]) -> Vec<f32> {
        let gain = self.gain();
        let rows = self.tokens.rows.chunks_exact(self.tokens.width);
        rows.map(|row| gain * dot(hidden, row)).collect()
    }

    fn scores(&self, hidden: &[f32]) -> Scores {
        let scores = self.row_scores(hidden);
        let listed = self.tokens.keys.iter().zip(&scores).skip(1);
        Scores {
            listed: listed
                .map(|(token, score)| (*token as i32, *score))
                .collect(),
            others: scores[0],
            vocabulary: self.base.vocabulary,
        }
    }

    /// How many tokens each row of tokens stands for.
    fn counts(&self) -> impl Iterator<Item = f64> {
        let rest = f64::from(self.base.vocabulary) - (self.tokens.keys.len() - 1) as f64;
        std::iter::once(rest).chain(std::iter::repeat(1.0))
    }

    /// The logprob of every target of a datum.
    fn logprobs(&self, datum: &Datum) -> Result<Vec<f32>, Problem> {
        let (targets, width) = datum.targets(self.base.vocabulary)?;
        let targets = targets.integers().unwrap_or_default();
        let mut past = [-1; ORDERS];
        let mut logprobs = Vec::with_capacity(targets.len());
        for (at, token) in datum.tokens.iter().enumerate() {
            past.rotate_right(1);
            past[0] = *token;
            let scores = self.row_scores(&self.hidden(&keys(&past)));
            let total = log_total(&scores, self.counts());
            for target in &targets[at * width..][..width] {
                let place = self.tokens.places.get(target).copied().unwrap_or(0);
                logprobs.push((f64::from(scores[place]) - total) as f32);
            }
        }
        Ok(logprobs)
    }

    /// Adds up the gradients of a datum, whose loss has these slopes by the logprobs.
    fn descend(&mut self, datum: &Datum, slopes: &[f32]) -> Result<(), Problem> {
        let (targets, width) = datum.targets(self.base.vocabulary)?;
        let targets = targets.integers().unwrap_or_default();
        for target in targets {
            self.tokens.add_like_rest(*target);
        }
        let gain = self.gain();
        let mut past = [-1; ORDERS];
        for (at, token) in datum.tokens.iter().enumerate() {
            past.rotate_right(1);
            past[0] = *token;
            let range = at * width..(at + 1) * width;
            let here = &slopes[range.clone()];
            if here.iter().all(|slope| *slope == 0.0) {
                continue;
            }
            let keys = keys(&past);
            let hidden = self.hidden(&keys);
            let scores = self.row_scores(&hidden);
            let total = log_total(&scores, self.counts());
            let sum: f64 = here.iter().map(|slope| f64::from(*slope)).sum();
            let share = |score: &f32| -sum * (f64::from(*score) - total).exp();
            let mut pull: Vec<f64> = scores.iter().map(share).collect();
            for (target, slope) in targets[range].iter().zip(here) {
                pull[self.tokens.places[target]] += f64::from(*slope);
            }
            let mut back = vec![0.0; self.adapter.rank];
            for (place, (pull, count)) in pull.iter().zip(self.counts()).enumerate() {
                add(
                    &mut back,
                    self.tokens.row(place),
                    (pull * count) as f32 * gain,
                );
            }
            for (place, pull) in pull.iter().enumerate() {
                add(self.tokens.gradient(place), &hidden, *pull as f32 * gain);
            }
            for key in keys {
                let place = match self.contexts.places.get(&key) {
                    Some(place) => *place,
                    None => {
                        let row = self.first_row(key);
                        self.contexts.add(key, row)
                    }
                };
                add(self.contexts.gradient(place), &back, 1.0);
            }
        }
        Ok(())
    }

    fn gradient_norm(&self) -> f64 {
        let square = |row: &[f32]| -> f64 { row.iter().map(|g| f64::from(*g).powi(2)).sum() };
        let tokens = self.tokens.gradients.chunks_exact(self.tokens.width);
        let tokens: f64 = tokens
            .zip(self.counts())
            .map(|(row, n)| square(row) * n)
            .sum();
        (tokens + square(&self.contexts.gradients)).sqrt()
    }

    fn forget_gradients(&mut self) {
        self.contexts.gradients.fill(0.0);
        self.tokens.gradients.fill(0.0);
    }
}

impl Table {
    fn new(width: usize) -> Self {
        Self {
            width,
            keys: Vec::new(),
            places: HashMap::new(),
            rows: Vec::new(),
            gradients: Vec::new(),
            moments: Moments::default(),
            momentum: Vec::new(),
        }
    }

    fn row(&self, place: usize) -> &[f32] {
        &self.rows[place * self.width..][..self.width]
    }

    fn gradient(&mut self, place: usize) -> &mut [f32] {
        &mut self.gradients[place * self.width..][..self.width]
    }

    fn add(&mut self, key: i64, row: Vec<f32>) -> usize {
        let place = self.keys.len();
        self.keys.push(key);
        self.places.insert(key, place);
        self.rows.extend(row);
        let len = self.rows.len();
        for memory in self.memories() {
            memory.resize(len, 0.0);
        }
        place
    }

    /// A row of its own for a token that had a part in that of the rest so far.
    fn add_like_rest(&mut self, token: i64) {
        if self.places.contains_key(&token) {
            return;
        }
        let width = self.width;
        let rest = self.row(0).to_vec();
        let place = self.add(token, rest);
        for memory in self.memories() {
            memory.copy_within(..width, place * width);
        }
    }

    fn memories(&mut self) -> [&mut Vec<f32>; 4] {
        [
            &mut self.gradients,
            &mut self.moments.first,
            &mut self.moments.second,
            &mut self.momentum,
        ]
    }

    fn save(&self, name: &str, into: &mut Snapshot) {
        let shape = vec![self.keys.len(), self.width];
        let arrays = [
            ("keys", Array::integers(self.keys.clone())),
            ("rows", Array::floats(shape.clone(), self.rows.clone())),
        ];
        let memories = [
            (
                "optimizer.first",
                Array::floats(shape.clone(), self.moments.first.clone()),
            ),
            (
                "optimizer.second",
                Array::floats(shape.clone(), self.moments.second.clone()),
            ),
            (
                "optimizer.momentum",
                Array::floats(shape, self.momentum.clone()),
            ),
        ];
        let named = |(part, array)| (format!("{name}.{part}"), array);
        into.arrays.extend(arrays.map(named));
        into.optimizer.extend(memories.map(named));
    }

    fn load(from: &Snapshot, name: &str, width: usize, optimizer: bool) -> Result<Self, Problem> {
        let keys = from.numbers(&format!("{name}.keys"))?;
        let rows = |part: &str| {
            let name = format!("{name}.{part}");
            let rows = from.rows(&name, width)?;
            if rows.len() == keys.len() * width && rows.iter().all(|value| value.is_finite()) {
                Ok(rows.to_vec())
            } else {
                Err(Problem::user(format!("the checkpoint's {name} is damaged")))
            }
        };
        let kept = |part: &str| match optimizer {
            true => rows(part),
            false => Ok(vec![0.0; keys.len() * width]),
        };
        Ok(Self {
            width,
            keys: keys.to_vec(),
            places: keys
                .iter()
                .enumerate()
                .map(|(place, key)| (*key, place))
                .collect(),
            rows: rows("rows")?,
            gradients: vec![0.0; keys.len() * width],
            moments: Moments {
                first: kept("optimizer.first")?,
                second: kept("optimizer.second")?,
            },
            momentum: kept("optimizer.momentum")?,
        })
    }
}

/// The keys of the contexts that end here, from the shortest on.
fn keys(past: &[i32; ORDERS]) -> [i64; ORDERS] {
    let mut key = 0;
    let mut order = 0;
    past.map(|token| {
        order += 1;
        key = rng::mix(key ^ rng::mix(order << 32 | u64::from(token.cast_unsigned())));
        key.cast_signed()
    })
}

fn log_total(scores: &[f32], counts: impl Iterator<Item = f64>) -> f64 {
    let most = f64::from(scores.iter().copied().fold(f32::MIN, f32::max));
    let terms = scores.iter().zip(counts);
    let sum: f64 = terms.map(|(s, n)| n * (f64::from(*s) - most).exp()).sum();
    most + sum.ln()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f32], row: &[f32], times: f32) {
    for (to, value) in to.iter_mut().zip(row) {
        *to += value * times;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tinker::engine::AdamParams;

    fn base() -> BaseModel {
        BaseModel::ngram("m".to_owned(), 50_000, 100, 2)
    }

    fn trainee() -> Box<dyn Trainee> {
        let adapter = Adapter {
            rank: 8,
            seed: 7,
            unembed: true,
            mlp: true,
            attn: true,
        };
        NgramEngine
            .trainee(&base(), &adapter, None)
            .expect("a trainee")
    }

    fn datum(tokens: &[i32]) -> Datum {
        let targets = tokens[1..].iter().map(|t| i64::from(*t)).collect();
        let targets = Tensor::new(Vec::new(), Values::I64(targets)).expect("a row");
        Datum {
            tokens: tokens[..tokens.len() - 1].to_vec(),
            inputs: BTreeMap::from([("target_tokens".to_owned(), targets)]),
        }
    }

    fn step(learning_rate: f64) -> OptimParams {
        OptimParams::Adam(AdamParams {
            learning_rate,
            ..AdamParams::default()
        })
    }

    fn loss(trainee: &mut dyn Trainee, data: &[Datum], backward: bool) -> f64 {
        let passed = trainee.pass(data, &Loss::CrossEntropy, backward);
        passed.expect("passed").metrics["loss:sum"]
    }

    #[test]
    fn the_base_is_uniform_and_what_is_taught_is_learnt() {
        let mut trainee = trainee();
        let data = [datum(&[5, 900, 41_000, 7]), datum(&[6, 900, 12, 3])];
        let first = loss(trainee.as_mut(), &data, true);
        assert!((first - 6.0 * 50_000_f64.ln()).abs() < 1e-3, "{first}");
        for _ in 0..60 {
            trainee.step(&step(1e-3)).expect("a step");
            loss(trainee.as_mut(), &data, true);
        }
        let last = loss(trainee.as_mut(), &data, false);
        assert!(last < 0.05 * first, "{last} of {first}");
        let weights = trainee.weights();
        let mut reader = weights.read();
        reader.push(&[5, 900]).expect("read");
        assert_eq!(reader.scores().top(1)[0].0, 41_000);
    }

    #[test]
    fn a_small_step_lowers_the_loss_by_what_the_gradient_says() {
        let mut trainee = trainee();
        let data = [datum(&[5, 6, 5, 6, 8])];
        loss(trainee.as_mut(), &data, true);
        trainee.step(&step(1e-3)).expect("a step");
        // From here on the table of contexts has a gradient too.
        let before = loss(trainee.as_mut(), &data, true);
        let norm = trainee.step(&step(0.0)).expect("a step")["unclipped_grad_l2:mean"];
        loss(trainee.as_mut(), &data, true);
        let rate = 1e-6;
        trainee.step(&step(rate)).expect("a step");
        let after = loss(trainee.as_mut(), &data, false);
        assert!(norm > 0.0 && after < before, "{before} {after}");
    }

    #[test]
    fn a_snapshot_goes_on_as_if_nothing_had_happened() {
        let data = [datum(&[5, 6, 7, 8])];
        let mut whole = trainee();
        let mut halves = trainee();
        for at in 0..6 {
            if at == 3 {
                let snapshot = halves.save().expect("a snapshot");
                halves = trainee();
                halves.load(&snapshot, true).expect("loaded");
            }
            for trainee in [&mut whole, &mut halves] {
                loss(trainee.as_mut(), &data, true);
                trainee.step(&step(1e-3)).expect("a step");
            }
        }
        let ends = [&mut whole, &mut halves].map(|t| loss(t.as_mut(), &data, false));
        assert_eq!(ends[0].to_bits(), ends[1].to_bits());
        let mut foreign = whole.save().expect("a snapshot");
        foreign.arrays.remove("tokens.rows");
        assert!(halves.load(&foreign, false).is_err());
        assert_eq!(
            loss(halves.as_mut(), &data, false).to_bits(),
            ends[1].to_bits()
        );
    }

    #[test]
    fn a_bad_datum_is_named_and_leaves_no_gradient() {
        let mut trainee = trainee();
        let refused = trainee.pass(
            &[datum(&[1, 2]), datum(&[1, 50_000])],
            &Loss::CrossEntropy,
            true,
        );
        assert!(
            refused
                .expect_err("refused")
                .message
                .starts_with("data[1]:")
        );
        assert_eq!(
            trainee.step(&step(1.0)).expect("a step")["unclipped_grad_l2:mean"],
            0.0
        );
    }
}
