//! Which model a path means: one of the catalogue, or one that was tuned.

use std::sync::Arc;

use crate::{
    gemini::{
        errors::ApiError,
        models::ModelCard,
        service::Call,
        tunings::store::{Job, State},
    },
    route::Backend,
};

/// A model that is asked something.
#[derive(Clone, Debug)]
pub(crate) struct Model<'a> {
    /// What it is, or what it was tuned from.
    pub(crate) card: &'a ModelCard,
    tuned: Option<(Arc<Job>, Backend)>,
}

impl Model<'_> {
    /// What was taught as the answer to a prompt like this one.
    pub(crate) fn learned(&self, prompt: &str) -> Option<&str> {
        let (job, _) = self.tuned.as_ref()?;
        job.learned.answer(prompt)
    }

    /// The name an answer gives as that of its model.
    pub(crate) fn version(&self) -> String {
        match &self.tuned {
            Some((job, Backend::Developer)) => format!("tunedModels/{}", job.id),
            _ => self.card.name().to_owned(),
        }
    }
}

impl<'a> Call<'a> {
    /// The model the path names, if it answers `method`.
    pub(crate) fn model(&self, method: &str) -> Result<Model<'a>, ApiError> {
        let name = &self.target.resource;
        let job = match name.split_once('/') {
            Some(("tunedModels" | "endpoints" | "models", _)) => self.tuned(name)?,
            _ => {
                return Ok(Model {
                    card: self.catalogue.find(name, self.target, method)?,
                    tuned: None,
                });
            }
        };
        if job.state(self.now) != State::Succeeded {
            return Err(ApiError::failed_precondition(format!(
                "The model {name} cannot be used: its tuning has not succeeded."
            )));
        }
        Ok(Model {
            card: self.catalogue.find(&job.base, self.target, method)?,
            tuned: Some((job, self.target.backend)),
        })
    }

    /// The job behind `tunedModels/{id}`, `models/{id}` or `endpoints/{id}`, whose model has not been
    /// deleted.
    pub(crate) fn tuned(&self, name: &str) -> Result<Arc<Job>, ApiError> {
        let owner = self.owner();
        let (kind, id) = name.split_once('/').unwrap_or_default();
        let id = id.split_once('@').map_or(id, |(id, _)| id);
        let found = match kind {
            "tunedModels" => self.tunings.get(&owner, id),
            _ => self.tunings.list(&owner).into_iter().find(|job| {
                let made = job.state(self.now) == State::Succeeded;
                let ours = match kind {
                    "models" => job.model_id() == id,
                    _ => job.checkpoints().iter().any(|it| it.endpoint == id),
                };
                made && ours
            }),
        };
        found.filter(|job| !job.deleted).ok_or_else(|| {
            let name = match &self.target.parent {
                Some(parent) => format!("{parent}/{name}"),
                None => name.to_owned(),
            };
            match self.target.backend {
                Backend::Developer => ApiError::permission_denied(format!(
                    "You do not have permission to access tuned model {name} or it may not exist."
                )),
                Backend::Vertex => {
                    ApiError::not_found(format!("The resource {name} is not found."))
                }
            }
        })
    }
}

/// Whether the operation of the path is one that makes a tuned model.
pub(crate) fn owns(call: &Call<'_>) -> bool {
    call.target.resource.starts_with("tunedModels/")
}

/// The resource that a model's full name means, in the form paths are taken apart to.
pub(crate) fn resource_of(name: &str) -> Option<String> {
    if let Some((_, model)) = name.rsplit_once("publishers/google/models/") {
        return Some(model.to_owned());
    }
    for kind in ["tunedModels", "endpoints"] {
        if let Some((_, id)) = name.rsplit_once(&format!("{kind}/")) {
            return Some(format!("{kind}/{id}"));
        }
    }
    match name.rsplit_once("models/") {
        Some(("", model)) => Some(model.to_owned()),
        Some((parent, id)) if parent.starts_with("projects/") => Some(format!("models/{id}")),
        _ => None,
    }
    .filter(|resource| !resource.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_mean_resources() {
        for (name, resource) in [
            ("models/m", Some("m")),
            ("publishers/google/models/m", Some("m")),
            (
                "projects/p/locations/l/publishers/google/models/m",
                Some("m"),
            ),
            ("projects/p/locations/l/models/9@1", Some("models/9@1")),
            ("projects/p/locations/l/endpoints/8", Some("endpoints/8")),
            ("tunedModels/a", Some("tunedModels/a")),
            ("gemini", None),
        ] {
            assert_eq!(resource_of(name).as_deref(), resource, "{name}");
        }
    }
}
