//! Debug output of requests and examples of jobs: their shape, never their prompts.

use std::fmt;

use super::redacted::{Shape, has};
use super::{
    EmbedContentBatch, InlinedRequest, ReinforcementTuningExample, TuningExample,
    ValidateRewardParameters,
};

impl fmt::Debug for InlinedRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InlinedRequest")
            .field("model", &self.model)
            .field("contents", &Shape(&self.contents))
            .field("metadata", &self.metadata)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EmbedContentBatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbedContentBatch")
            .field("contents", &Shape(&self.contents))
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ReinforcementTuningExample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReinforcementTuningExample")
            .field("contents", &Shape(&self.contents))
            .field("references", &self.references.len())
            .field(
                "system_instruction",
                &has(self.system_instruction.is_some()),
            )
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ValidateRewardParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reply = self.sample_response.as_deref();
        formatter
            .debug_struct("ValidateRewardParameters")
            .field("parent", &self.parent)
            .field(
                "sample_response",
                &reply.map(|reply| Shape(std::slice::from_ref(reply))),
            )
            .field("example", &self.example)
            .field("single_reward_config", &self.single_reward_config)
            .field("composite_reward_config", &self.composite_reward_config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TuningExample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        write!(
            formatter,
            "TuningExample({} bytes in, {} bytes out)",
            length(&self.text_input),
            length(&self.output)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BatchJobSource, Content, TuningDataset};
    use super::*;

    #[test]
    fn prompts_do_not_show() {
        let request = InlinedRequest::new().set_contents(["my secret prompt"]);
        let embedded = EmbedContentBatch::new().set_contents([Content::user("secret")]);
        let example = ReinforcementTuningExample::new()
            .set_contents(["secret"])
            .set_references([("key", "secret")]);
        let dataset = TuningDataset::new().set_examples([TuningExample::of("secret", "secret!")]);
        for shown in [
            format!(
                "{:?}",
                BatchJobSource::new().set_inlined_requests([request])
            ),
            format!("{embedded:?}"),
            format!("{example:?}"),
            format!(
                "{:?}",
                ValidateRewardParameters::new().set_sample_response(Content::user("secret"))
            ),
            format!("{dataset:?}"),
        ] {
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains("bytes"), "{shown}");
        }
    }
}
