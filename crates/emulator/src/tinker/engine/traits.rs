//! The seam between the service and what computes for it: an engine makes trainees, a trainee takes
//! steps, and its weights are read token by token. Nothing here computes.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{AdamParams, Datum, DimuonParams, Loss, Snapshot};

/// A model that can be trained and sampled from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseModel {
    pub(crate) name: String,
    /// How many tokens there are; they are numbered from zero.
    pub(crate) vocabulary: u32,
    /// Most tokens of a prompt and its continuation.
    pub(crate) context: usize,
    /// The token that ends a text.
    pub(crate) end: i32,
    /// Those of a transformer; any other is an n-gram model.
    #[cfg(feature = "transformer")]
    pub(crate) transformer: Option<(super::Shape, Arc<super::Vocabulary>)>,
}

impl BaseModel {
    /// An n-gram model.
    pub(crate) fn ngram(name: String, vocabulary: u32, context: usize, end: i32) -> Self {
        Self {
            name,
            vocabulary,
            context,
            end,
            #[cfg(feature = "transformer")]
            transformer: None,
        }
    }

    /// A transformer of the usual shape.
    #[cfg(feature = "transformer")]
    pub(crate) fn transformer(
        name: String,
        vocabulary: Arc<super::Vocabulary>,
        context: usize,
    ) -> Self {
        let (count, end) = (vocabulary.len() as u32, vocabulary.end() as i32);
        Self {
            transformer: Some((super::Shape::default(), vocabulary)),
            ..Self::ngram(name, count, context, end)
        }
    }

    /// The bytes of a token; of a model without a vocabulary, tokens below 256 are bytes.
    pub(crate) fn text(&self, token: i32) -> Vec<u8> {
        #[cfg(feature = "transformer")]
        if let Some((_, vocabulary)) = &self.transformer {
            return vocabulary.text(token).to_vec();
        }
        u8::try_from(token).into_iter().collect()
    }
}

/// What is trained on top of a base model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adapter {
    pub(crate) rank: usize,
    pub(crate) seed: u64,
    pub(crate) unembed: bool,
    pub(crate) mlp: bool,
    pub(crate) attn: bool,
}

/// The parameters of one optimiser step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OptimParams {
    Adam(AdamParams),
    Dimuon(DimuonParams),
}

/// What a pass over some data gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    /// Of every target of each datum, in the order and shape of its targets.
    pub(crate) logprobs: Vec<super::Tensor>,
    /// Named with the way in which chunks are put together, such as `loss:sum`.
    pub(crate) metrics: BTreeMap<String, f64>,
}

/// Why a request could not be done, told in the result of its future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    /// Whether the caller could have known.
    pub(crate) by_user: bool,
    /// Whether a file could not be written or read, which asking again does not mend.
    pub(crate) of_files: bool,
}

impl Problem {
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            by_user: true,
            of_files: false,
        }
    }

    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            by_user: false,
            of_files: false,
        }
    }

    pub(crate) fn files(message: impl Into<String>) -> Self {
        Self {
            of_files: true,
            ..Self::server(message)
        }
    }
}

/// The scores of the next token before they are normalised.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    /// Tokens with a score of their own, each once.
    pub(crate) listed: Vec<(i32, f32)>,
    /// The score of every token that is not listed.
    pub(crate) others: f32,
    pub(crate) vocabulary: u32,
}

/// Makes trainees.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// A fresh adapter, or that of `from`, with or without its optimiser's state.
    fn trainee(
        &self,
        base: &BaseModel,
        adapter: &Adapter,
        from: Option<(&Snapshot, bool)>,
    ) -> Result<Box<dyn Trainee>, Problem>;

    /// The weights of a base model without an adapter.
    fn base(&self, base: &BaseModel) -> Result<Arc<dyn Weights>, Problem>;

    /// A file of a base model as a hub of models has it, such as `config.json`.
    fn file(&self, _: &BaseModel, _: &str) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }
}

/// A model in training.
pub(crate) trait Trainee: Send {
    /// The logprobs and the loss of `data`; with `backward`, gradients are added up too.
    fn pass(&mut self, data: &[Datum], loss: &Loss, backward: bool) -> Result<Passed, Problem>;

    /// Moves the weights along the gradients and forgets those.
    fn step(&mut self, params: &OptimParams) -> Result<BTreeMap<String, f64>, Problem>;

    /// Everything needed to go on from here, without gradients.
    fn save(&self) -> Result<Snapshot, Problem>;

    /// Puts a snapshot in the place of the weights; on an error nothing has changed.
    fn load(&mut self, from: &Snapshot, optimizer: bool) -> Result<(), Problem>;

    /// The weights as they are now; later steps do not change them.
    fn weights(&self) -> Arc<dyn Weights>;
}

/// Weights that do not change any more.
pub(crate) trait Weights: Send + Sync {
    /// A reader at the start of a text.
    fn read(&self) -> Box<dyn Reader + '_>;
}

/// A place in a text.
pub(crate) trait Reader {
    /// Goes further by these tokens.
    fn push(&mut self, tokens: &[i32]) -> Result<(), Problem>;

    /// The scores of the token that comes next.
    fn scores(&self) -> Scores;

    /// Another reader at the same place.
    fn fork(&self) -> Box<dyn Reader + '_>;
}

impl Scores {
    /// The logarithm of the sum of all exponentials, which normalises the scores.
    pub(crate) fn log_total(&self) -> f64 {
        let most = self
            .listed
            .iter()
            .map(|(_, score)| *score)
            .fold(self.others, f32::max);
        let most = f64::from(most);
        let rest = self.unlisted() as f64 * (f64::from(self.others) - most).exp();
        let listed = self
            .listed
            .iter()
            .map(|(_, s)| (f64::from(*s) - most).exp());
        most + (rest + listed.sum::<f64>()).ln()
    }

    /// The score of one token.
    pub(crate) fn of(&self, token: i32) -> f32 {
        let own = self.listed.iter().find(|(listed, _)| *listed == token);
        own.map_or(self.others, |(_, score)| *score)
    }

    /// How many tokens share the score of the others.
    pub(crate) fn unlisted(&self) -> usize {
        (self.vocabulary as usize).saturating_sub(self.listed.len())
    }

    /// The `k` likeliest tokens with their logprobs; of equals the smaller number comes first.
    pub(crate) fn top(&self, k: usize) -> Vec<(i32, f32)> {
        let total = self.log_total();
        let mut ranked = self.listed.clone();
        let listed: std::collections::BTreeSet<i32> =
            self.listed.iter().map(|(token, _)| *token).collect();
        let others = (0..self.vocabulary.cast_signed()).filter(|token| !listed.contains(token));
        ranked.extend(others.take(k).map(|token| (token, self.others)));
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(k);
        let logprob = |score: f32| (f64::from(score) - total) as f32;
        ranked
            .into_iter()
            .map(|(token, score)| (token, logprob(score)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logprobs_of_all_tokens_sum_to_one() {
        let scores = Scores {
            listed: vec![(3, 1.5), (0, -2.0)],
            others: 0.25,
            vocabulary: 7,
        };
        let total = scores.log_total();
        let sum: f64 = (0..7)
            .map(|token| (f64::from(scores.of(token)) - total).exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12);
        let top = scores.top(3);
        assert_eq!(top.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [3, 1, 2]);
        assert_eq!(scores.top(100).len(), 7);
    }
}
