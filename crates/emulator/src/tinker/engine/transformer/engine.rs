//! Makes transformers: their frozen weights once for each base model, when it is first asked for.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::tinker::engine::{
    Adapter, BaseModel, Engine, Problem, Snapshot, Trainee, Weights, vocabulary,
};

use super::{adapters::Adapters, files, frozen::Frozen, net::Model, trainee::TransformerTrainee};

/// The transformers that are in use.
#[derive(Default)]
pub(crate) struct TransformerEngine {
    plain: Mutex<HashMap<String, Arc<Model>>>,
}

impl TransformerEngine {
    fn plain(&self, base: &BaseModel) -> Result<Arc<Model>, Problem> {
        let mut plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = plain.get(&base.name) {
            return Ok(Arc::clone(model));
        }
        let shape = base.transformer.as_ref().map(|(shape, _)| shape.clone());
        let frozen = Frozen::new(base, &shape.unwrap_or_default())?;
        let model = Arc::new(Model::new(Arc::new(frozen)));
        plain.insert(base.name.clone(), Arc::clone(&model));
        Ok(model)
    }
}

impl Engine for TransformerEngine {
    fn trainee(
        &self,
        base: &BaseModel,
        adapter: &Adapter,
        from: Option<(&Snapshot, bool)>,
    ) -> Result<Box<dyn Trainee>, Problem> {
        let plain = self.plain(base)?;
        let adapters = match from {
            Some((from, optimizer)) => Adapters::load(&plain.frozen, adapter, from, optimizer)?,
            None => Adapters::new(&plain.frozen, adapter)?,
        };
        Ok(Box::new(TransformerTrainee::new(base, &plain, adapters)?))
    }

    fn base(&self, base: &BaseModel) -> Result<Arc<dyn Weights>, Problem> {
        Ok(self.plain(base)?)
    }

    fn file(&self, base: &BaseModel, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let text = |value: serde_json::Value| Some(value.to_string().into_bytes());
        Ok(match name {
            "config.json" => text(files::config(base, &self.plain(base)?.frozen)),
            "model.safetensors" => Some(files::weights(&self.plain(base)?.frozen)?),
            "tokenizer.json" => text(vocabulary::tokenizer_of_bytes()),
            "tokenizer_config.json" => text(files::tokenizer_config(base)),
            _ => None,
        })
    }
}

impl fmt::Debug for TransformerEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformerEngine").finish_non_exhaustive()
    }
}

impl From<candle_core::Error> for Problem {
    fn from(error: candle_core::Error) -> Self {
        Self::server(format!("the model cannot be computed: {error}"))
    }
}
