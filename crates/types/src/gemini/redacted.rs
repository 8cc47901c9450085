//! Debug output of requests: their shape, never their prompts.

use std::fmt;

use super::{
    Content, CountTokensRequest, CreateCachedContentRequest, GenerateContentConfig,
    GenerateContentRequest,
};

/// `3 turns, 5 parts, 1200 bytes of text` for a conversation.
pub(super) struct Shape<'a>(pub(super) &'a [Content]);

impl fmt::Debug for Shape<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.iter().flat_map(|content| &content.parts);
        let bytes: usize = parts
            .clone()
            .filter_map(|part| part.text.as_ref())
            .map(String::len)
            .sum();
        write!(
            formatter,
            "{} turns, {} parts, {bytes} bytes of text",
            self.0.len(),
            parts.count()
        )
    }
}

/// The number of elements of what may hold secrets or prompts.
pub(super) fn has(present: bool) -> &'static str {
    if present { "set" } else { "absent" }
}

impl fmt::Debug for GenerateContentRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GenerateContentRequest")
            .field("contents", &Shape(&self.contents))
            .field(
                "system_instruction",
                &has(self.system_instruction.is_some()),
            )
            .field("tools", &self.tools.len())
            .field("tool_config", &self.tool_config)
            .field("cached_content", &self.cached_content)
            .field("generation_config", &self.generation_config)
            .field("safety_settings", &self.safety_settings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for GenerateContentConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GenerateContentConfig")
            .field(
                "system_instruction",
                &has(self.system_instruction.is_some()),
            )
            .field("tools", &self.tools.len())
            .field("tool_config", &self.tool_config)
            .field("cached_content", &self.cached_content)
            .field("temperature", &self.temperature)
            .field("max_output_tokens", &self.max_output_tokens)
            .field("thinking_config", &self.thinking_config)
            .field("safety_settings", &self.safety_settings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CreateCachedContentRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateCachedContentRequest")
            .field("model", &self.model)
            .field("contents", &Shape(&self.contents))
            .field(
                "system_instruction",
                &has(self.system_instruction.is_some()),
            )
            .field("tools", &self.tools.len())
            .field("ttl", &self.ttl)
            .field("expire_time", &self.expire_time)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CountTokensRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CountTokensRequest")
            .field("contents", &Shape(&self.contents))
            .field(
                "system_instruction",
                &has(self.system_instruction.is_some()),
            )
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_do_not_show() {
        let contents = || [Content::user("my secret prompt")];
        let system = Content::text("secret system");
        let shown = [
            format!(
                "{:?}",
                GenerateContentRequest::new()
                    .set_contents(contents())
                    .set_system_instruction(system)
            ),
            format!(
                "{:?}",
                CreateCachedContentRequest::new().set_contents(contents())
            ),
            format!("{:?}", CountTokensRequest::new().set_contents(contents())),
        ];
        for text in shown {
            assert!(!text.contains("secret"), "{text}");
            assert!(
                text.contains("1 turns, 1 parts, 16 bytes of text"),
                "{text}"
            );
        }
    }
}
