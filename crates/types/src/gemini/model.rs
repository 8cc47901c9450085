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

    /// An endpoint that serves a tuned model; Vertex only.
    #[derive(Debug)]
    pub struct Endpoint {
        /// Its full name.
        pub name: Option<String>,
        /// What the deployment is called there.
        pub deployed_model_id: Option<String>,
    }

    /// How a tuned model came about.
    #[derive(Debug)]
    pub struct TunedModelInfo {
        /// The model it was made from.
        pub base_model: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
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

/// The label under which Vertex keeps what a tuned model was made from.
const BASE_MODEL: &str = "google-vertex-llm-tuning-base-model-id";

impl Model {
    /// The endpoints that serve it; Vertex only.
    ///
    /// ```
    /// use gimmal_types::gemini::Model;
    ///
    /// let reply = r#"{"deployedModels": [{"endpoint": "endpoints/7", "deployedModelId": "3"}]}"#;
    /// let model: Model = serde_json::from_str(reply)?;
    /// assert_eq!(model.endpoints()[0].name.as_deref(), Some("endpoints/7"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
        let deployed = self.deployed_models.iter();
        let endpoints = deployed.map(|of| Endpoint {
            name: text(of, "endpoint"),
            deployed_model_id: text(of, "deployedModelId"),
            ..Endpoint::default()
        });
        endpoints.collect()
    }

    /// How a tuned model came about; nothing known of a base model.
    pub fn tuned_model_info(&self) -> TunedModelInfo {
        let given = self.unknown_fields.get("baseModel").and_then(Value::as_str);
        let label = self.labels.get(BASE_MODEL).map(String::as_str);
        TunedModelInfo {
            base_model: given.or(label).map(str::to_owned),
            create_time: self.create_time,
            update_time: self.update_time,
            ..TunedModelInfo::default()
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tuned_model_says_where_it_is_and_what_it_was_made_from() {
        let mut reply = json!({
            "deployedModels": [{"endpoint": "endpoints/7", "deployedModelId": "3"}, {}],
            "labels": {BASE_MODEL: "gemini-2.5-flash"}, "createTime": "2026-01-02T03:04:05Z",
        });
        let model: Model = serde_json::from_value(reply.clone()).unwrap();
        let endpoints = model.endpoints();
        assert_eq!(endpoints[0].deployed_model_id.as_deref(), Some("3"));
        assert_eq!(endpoints[1], Endpoint::default());
        let info = model.tuned_model_info();
        assert_eq!(info.base_model.as_deref(), Some("gemini-2.5-flash"));
        assert_eq!(info.create_time, model.create_time);
        assert_eq!(info.update_time, None);

        // The developer API says it outright.
        reply["baseModel"] = "models/b".into();
        let model: Model = serde_json::from_value(reply).unwrap();
        assert_eq!(
            model.tuned_model_info().base_model.as_deref(),
            Some("models/b")
        );
        assert_eq!(Model::new().tuned_model_info(), TunedModelInfo::default());
    }
}
