//! Models and their limits.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Timestamp;

wire! {
    /// A model and its limits.
    #[derive(Debug)]
    pub struct Model {
        /// Its name, such as `models/gemini-2.5-flash`.
        pub name: Option<String>,
        /// The model it was made from.
        pub base_model_id: Option<String>,
        /// Its version, on the developer API.
        pub version: Option<String>,
        /// Its version, on Vertex.
        pub version_id: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
        /// What it is good at.
        pub description: Option<String>,
        /// Most tokens of a prompt.
        pub input_token_limit: Option<i32>,
        /// Most tokens of a reply.
        pub output_token_limit: Option<i32>,
        /// What it can be asked for, on the developer API.
        pub supported_generation_methods: Vec<String>,
        /// What it can be asked for, on Vertex.
        pub supported_actions: Option<Value>,
        /// Its default temperature.
        pub temperature: Option<f64>,
        /// Its highest temperature.
        pub max_temperature: Option<f64>,
        /// Its default nucleus.
        pub top_p: Option<f64>,
        /// Its default number of likeliest tokens.
        pub top_k: Option<i32>,
        /// True when it can reason first.
        pub thinking: Option<bool>,
        /// Labels; Vertex only.
        pub labels: BTreeMap<String, String>,
        /// Endpoints that serve it, as Vertex describes them.
        pub deployed_models: Vec<Value>,
        /// Checkpoints of a tuned model.
        pub checkpoints: Vec<Checkpoint>,
        /// The checkpoint that answers.
        pub default_checkpoint_id: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
    }

    /// A checkpoint of a tuned model.
    #[derive(Debug)]
    pub struct Checkpoint {
        /// Its identifier.
        pub checkpoint_id: Option<String>,
        /// The epoch it was taken after.
        pub epoch: Option<i64>,
        /// The step it was taken after.
        pub step: Option<i64>,
    }

    /// A page of models.
    #[derive(Debug)]
    pub struct ListModelsResponse {
        /// Models of the developer API, or tuned models of a Vertex project.
        pub models: Vec<Model>,
        /// Tuned models of the developer API.
        pub tuned_models: Vec<Model>,
        /// Base models on Vertex.
        pub publisher_models: Vec<Model>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }

    /// What can be changed of a tuned model.
    #[derive(Debug)]
    pub struct UpdateModelConfig {
        /// A name for people.
        pub display_name: Option<String>,
        /// What it is good at.
        pub description: Option<String>,
        /// The checkpoint that answers.
        pub default_checkpoint_id: Option<String>,
    }
}

impl ListModelsResponse {
    /// The models, whichever of the three lists the service chose.
    pub fn into_models(self) -> Vec<Model> {
        let lists = [self.models, self.tuned_models, self.publisher_models];
        let found = lists.into_iter().find(|list| !list.is_empty());
        found.unwrap_or_default()
    }
}
