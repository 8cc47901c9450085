//! Which engine computes for which base model. Computes nothing itself.

use std::sync::Arc;

#[cfg(feature = "transformer")]
use super::transformer::TransformerEngine;
use super::{Adapter, BaseModel, Engine, NgramEngine, Problem, Snapshot, Trainee, Weights};

/// All engines there are.
#[derive(Debug, Default)]
pub(crate) struct Engines {
    ngram: NgramEngine,
    #[cfg(feature = "transformer")]
    transformer: TransformerEngine,
}

impl Engines {
    #[cfg(feature = "transformer")]
    fn of(&self, base: &BaseModel) -> &dyn Engine {
        match base.transformer {
            Some(_) => &self.transformer,
            None => &self.ngram,
        }
    }

    #[cfg(not(feature = "transformer"))]
    fn of(&self, _: &BaseModel) -> &dyn Engine {
        &self.ngram
    }
}

impl Engine for Engines {
    fn trainee(
        &self,
        base: &BaseModel,
        adapter: &Adapter,
        from: Option<(&Snapshot, bool)>,
    ) -> Result<Box<dyn Trainee>, Problem> {
        self.of(base).trainee(base, adapter, from)
    }

    fn base(&self, base: &BaseModel) -> Result<Arc<dyn Weights>, Problem> {
        self.of(base).base(base)
    }

    fn file(&self, base: &BaseModel, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        self.of(base).file(base, name)
    }
}
