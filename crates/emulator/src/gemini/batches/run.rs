//! Carrying jobs out: each request is run by the emulator's own engine at the time it is due, as if
//! it had come by itself, and the answers are put where they belong once a job has ended.

use std::time::SystemTime;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    content::Content,
    gemini::{
        abilities::Kind as ModelKind,
        batches::{
            output,
            store::{Answer, Destination, Job, Kind, State},
        },
        embeddings,
        errors::ApiError,
        files::{NewFile, Origin},
        generate,
        service::Gemini,
        tunings::resource_of,
    },
    route::Backend,
};

impl Gemini {
    /// Brings all batch jobs to where they are at `now`.
    pub(crate) fn run_batches(&self, now: SystemTime) {
        let mut jobs = self.batches.lock();
        for job in jobs.jobs.values_mut().filter(|job| !job.settled) {
            for n in job.answers.len()..job.due(now) {
                let time = job.time_of(n);
                let request = job.items.as_ref().ok().and_then(|items| items.get(n));
                let result = match request.map(|item| &item.request) {
                    Some(Ok(request)) => self.run_item(job, request, time),
                    Some(Err(error)) => Err(error.clone()),
                    None => break,
                };
                job.answers.push(Answer { result, time });
            }
            if let Some(ended) = job.ended(now) {
                job.settled = true;
                if matches!(job.state(ended), State::Succeeded)
                    || job.cancelled.is_some_and(|at| at <= ended)
                {
                    job.output = self.put_answers(job, ended);
                }
            }
        }
    }

    fn run_item(&self, job: &Job, request: &Value, time: SystemTime) -> Result<Value, ApiError> {
        // A request may name a model of its own.
        let named = request["model"].as_str().and_then(resource_of);
        let model = named.unwrap_or_else(|| job.model.clone());
        let target = job.target.generating(&model);
        let call = self.call(&target, &job.caller, Some(request), time);
        let fields = call.body()?;
        match (job.kind, job.target.backend) {
            (Kind::Generate, _) => Ok(generate::generate(&call)?.to_json()),
            (Kind::Embed, Backend::Developer) => {
                let card = call.catalogue.find(&model, &target, "embedContent")?;
                let embedded = embeddings::embed_one(fields, card, &call)?;
                Ok(json!({
                    "embedding": embedded.to_json(),
                    "tokenCount": embedded.tokens.total().to_string(),
                }))
            }
            (Kind::Embed, Backend::Vertex) => {
                let card = call.catalogue.find(&model, &target, "predict")?;
                let embedded = match card.kind() {
                    ModelKind::Embedder { .. } if fields.contains_key("content") => {
                        embeddings::embed_instance(fields, "instance", None, card, &call)?
                    }
                    _ => return Err(ApiError::invalid_argument("The instance has no content.")),
                };
                Ok(json!([{ "embeddings": embedded.to_json_with_statistics() }]))
            }
        }
    }

    /// Writes the answers there are, and tells where.
    fn put_answers(&self, job: &Job, time: SystemTime) -> Option<String> {
        match &job.destination {
            Destination::Inline => None,
            Destination::File => {
                let lines = Bytes::from(output::keyed_lines(job));
                let file = self.files.add(
                    NewFile {
                        owner: job.owner.clone(),
                        id: Some(format!("batch-{}", job.id)),
                        display_name: Some(format!("Answers of {}", job.display_name)),
                        mime: "application/jsonl".to_owned(),
                        content: Content::from(lines),
                        sha256: None,
                        origin: Origin::Generated,
                    },
                    time,
                );
                match file {
                    Ok(file) => Some(file.name()),
                    Err(error) => {
                        tracing::error!(error = error.message(), "could not keep the answers");
                        None
                    }
                }
            }
            Destination::Objects(prefix) => {
                let folder = output::folder(prefix, job, time);
                let uri = format!("{folder}/predictions.jsonl");
                self.storage.put_object(uri, output::whole_lines(job));
                Some(folder)
            }
            Destination::Table(uri) => {
                let table = output::table(uri, time);
                self.storage.put_rows(table.clone(), output::rows(job));
                Some(table)
            }
        }
    }
}
