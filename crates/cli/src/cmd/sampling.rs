//! Generation settings from the command line.

use gimmal_client::types::gemini::{GenerateContentRequest, GenerationConfig, ThinkingConfig};

use crate::args::Sampling;

impl Sampling {
    /// The settings as a request without contents; without settings it has no `generationConfig`.
    pub(crate) fn to_settings(&self) -> GenerateContentRequest {
        let mut config = GenerationConfig::new();
        config.temperature = self.temperature;
        config.max_output_tokens = self.max_output_tokens;
        if let Some(budget) = self.thinking_budget {
            config = config.set_thinking_config(ThinkingConfig::new().set_thinking_budget(budget));
        }
        let request = GenerateContentRequest::new();
        if config == GenerationConfig::new() {
            request
        } else {
            request.set_generation_config(config)
        }
    }
}
