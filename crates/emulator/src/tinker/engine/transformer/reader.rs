//! Reading a text through a transformer. Keys and values of what was read are kept, so that another
//! token costs one pass of a single row.

use candle_core::{Device, Result, Tensor};

use crate::tinker::engine::{Problem, Reader, Scores, Weights};

use super::{
    net::Model,
    ops::{Cache, Rotation, read},
};

#[derive(Clone)]
struct TransformerReader<'a> {
    model: &'a Model,
    length: usize,
    caches: Vec<Cache>,
    scores: Vec<f32>,
}

impl Weights for Model {
    fn read(&self) -> Box<dyn Reader + '_> {
        Box::new(TransformerReader {
            model: self,
            length: 0,
            caches: vec![Cache::default(); self.frozen.shape.layers],
            scores: vec![0.0; self.frozen.vocabulary],
        })
    }
}

impl Reader for TransformerReader<'_> {
    fn push(&mut self, tokens: &[i32]) -> std::result::Result<(), Problem> {
        if !tokens.is_empty() {
            self.scores = self.scores_after(tokens)?;
        }
        Ok(())
    }

    fn scores(&self) -> Scores {
        let scores = self.scores.iter().zip(0..);
        Scores {
            listed: scores.map(|(score, token)| (token, *score)).collect(),
            others: f32::MIN,
            vocabulary: self.scores.len() as u32,
        }
    }

    fn fork(&self) -> Box<dyn Reader + '_> {
        Box::new(self.clone())
    }
}

impl TransformerReader<'_> {
    fn scores_after(&mut self, tokens: &[i32]) -> Result<Vec<f32>> {
        let shape = &self.model.frozen.shape;
        let (heads, width) = (shape.heads, shape.width);
        let end = self.length + tokens.len();
        let rotation = Rotation::new(self.length..end, width / heads);
        let tokens: Vec<u32> = tokens.iter().map(|token| token.cast_unsigned()).collect();
        let caches = &mut self.caches;
        let hidden = self.model.hidden(&tokens, &[], |layer, [q, k, v]| {
            let cache = &mut caches[layer];
            let seen = read([q, k, v], |rows| {
                Ok(cache.attend(rows, heads, width, &rotation))
            })?;
            Tensor::from_vec(seen, q.shape(), &Device::Cpu)
        })?;
        self.length = end;
        let last = hidden.narrow(0, tokens.len() - 1, 1)?;
        read([&self.model.scores(&last)?], |[scores]| Ok(scores.to_vec()))
    }
}
