//! What a provider said besides an output, as stored results have it. Whatever has another form than
//! it should is passed over: it was never ours to decide, and an output is not lost for it.

use serde_json::Value;

use crate::Recovery;

/// The `metadata` of a stored result.
///
/// ```
/// use gimmal_batch::artifacts::ProviderMetadata;
/// use serde_json::json;
///
/// let metadata = ProviderMetadata::from(json!({
///     "finish_reason": "STOP", "reasoning": 7,
///     "grounding": {"sources": [{"uri": "https://example.com", "title": "Rings"}, {"title": "?"}]},
/// }));
/// assert_eq!(metadata.finish_reason(), Some("STOP"));
/// assert_eq!(metadata.reasoning(), None, "that is no text");
/// assert_eq!(metadata.sources().len(), 1, "the other one leads nowhere");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderMetadata(Value);

/// A source that an output is grounded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CitedSource<'a> {
    /// Where it is; never empty.
    pub uri: &'a str,
    /// What it is called.
    pub title: Option<&'a str>,
    /// What it says.
    pub snippet: Option<&'a str>,
}

/// A call of a tool that an output asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestedCall<'a> {
    /// What the answer to it must name.
    pub id: Option<&'a str>,
    /// The tool; never empty.
    pub name: &'a str,
    /// The arguments, as JSON in a text or as they are.
    pub arguments: &'a Value,
}

impl From<Value> for ProviderMetadata {
    fn from(metadata: Value) -> Self {
        Self(metadata)
    }
}

impl ProviderMetadata {
    /// The whole of it; `null` when there was none.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// Why the model stopped.
    pub fn finish_reason(&self) -> Option<&str> {
        text(&self.0["finish_reason"])
    }

    /// What the model thought aloud.
    pub fn reasoning(&self) -> Option<&str> {
        text(&self.0["reasoning"])
    }

    /// The sources that the output is grounded on, as far as they lead somewhere.
    pub fn sources(&self) -> Vec<CitedSource<'_>> {
        let sources = list(&self.0["grounding"]["sources"]).iter();
        let sources = sources.filter_map(|source| {
            Some(CitedSource {
                uri: text(&source["uri"])?,
                title: text(&source["title"]),
                snippet: text(&source["snippet"]),
            })
        });
        sources.collect()
    }

    /// What was searched for to ground the output.
    pub fn queries(&self) -> Vec<&str> {
        let queries = list(&self.0["grounding"]["queries"]).iter();
        queries.filter_map(text).collect()
    }

    /// The calls that the output asks for, as far as they name a tool.
    pub fn tool_calls(&self) -> Vec<RequestedCall<'_>> {
        let calls = list(&self.0["tool_calls"]).iter();
        let calls = calls.filter_map(|call| {
            Some(RequestedCall {
                id: text(&call["id"]),
                name: text(&call["name"])?,
                arguments: &call["arguments"],
            })
        });
        calls.collect()
    }

    /// Log-probabilities, an object or a list; each provider has a form of its own.
    pub fn logprobs(&self) -> Option<&Value> {
        let logprobs = &self.0["logprobs"];
        (logprobs.is_object() || logprobs.is_array()).then_some(logprobs)
    }

    /// How the output was made usable, when it was not as it came.
    pub fn recovered(&self) -> Option<Recovery> {
        let is_recovered = self.0["structured_output_recovered"] == true;
        let reason = text(&self.0["structured_output_recovery_reason"])?;
        let known = Recovery::TrailingMarkdownFence;
        (is_recovered && reason == known.as_str()).then_some(known)
    }
}

/// A text that is not empty.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: AC-SO-4
    #[test]
    fn what_has_another_form_than_it_should_is_not_there() {
        let whole = json!({
            "finish_reason": "STOP", "reasoning": "Rings part.",
            "grounding": {
                "sources": [{"uri": "https://a", "title": "A", "snippet": "a"}],
                "queries": ["gimmal"], "supports": [{"text": "a"}],
            },
            "tool_calls": [{"id": "1", "name": "look_up", "arguments": "{}"}],
            "logprobs": {"content": []},
            "structured_output_recovered": true,
            "structured_output_recovery_reason": "trailing_markdown_fence",
        });
        let metadata = ProviderMetadata::from(whole.clone());
        assert_eq!(metadata.reasoning(), Some("Rings part."));
        assert_eq!(metadata.sources()[0].snippet, Some("a"));
        assert_eq!(metadata.queries(), ["gimmal"]);
        assert_eq!(metadata.tool_calls()[0].name, "look_up");
        assert!(metadata.logprobs().is_some());
        assert_eq!(metadata.recovered(), Some(Recovery::TrailingMarkdownFence));
        // Every member in turn as everything that it should not be, and all of it too.
        for wrong in [
            json!(null),
            json!(7),
            json!(true),
            json!([7, null]),
            json!({"a": 7}),
            json!(" "),
        ] {
            for member in whole.as_object().unwrap().keys() {
                let mut broken = whole.clone();
                broken[member] = wrong.clone();
                let broken = ProviderMetadata::from(broken);
                let (sources, calls) = (broken.sources(), broken.tool_calls());
                assert!(member != "grounding" || sources.is_empty() && broken.queries().is_empty());
                assert!(member != "tool_calls" || calls.is_empty());
                assert!(member != "reasoning" || broken.reasoning().is_none());
                assert!(member != "finish_reason" || broken.finish_reason().is_none());
                let of_recovery = member.starts_with("structured_output") && wrong != json!(true);
                assert!(
                    !of_recovery || broken.recovered().is_none(),
                    "{member}: {wrong}"
                );
                let is_form = wrong.is_object() || wrong.is_array();
                assert!(member != "logprobs" || broken.logprobs().is_some() == is_form);
            }
            let nothing = ProviderMetadata::from(wrong);
            assert_eq!(
                (nothing.sources().len(), nothing.tool_calls().len()),
                (0, 0)
            );
            assert_eq!((nothing.reasoning(), nothing.recovered()), (None, None));
        }
        let nameless = json!({
            "grounding": {"sources": [{"title": "A"}, {"uri": ""}, 7], "queries": [7, ""]},
            "tool_calls": [{"id": "1"}, {"name": 7}],
        });
        let nameless = ProviderMetadata::from(nameless);
        assert_eq!(nameless.sources(), []);
        assert!(nameless.queries().is_empty() && nameless.tool_calls().is_empty());
    }
}
