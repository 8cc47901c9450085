//! What only the caller knows about a call: which operation of which model it is, and what the
//! reply turned out to hold. Plain data, named after OpenTelemetry's conventions for GenAI.

use std::borrow::Cow;

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Text.
    Text(Cow<'static, str>),
}

impl From<bool> for AttributeValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for AttributeValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for AttributeValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&'static str> for AttributeValue {
    fn from(value: &'static str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for AttributeValue {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

/// What a call asks of a model, for logs, events and traces.
///
/// ```
/// use gimmal_transport::CallOptions;
/// use gimmal_transport::observe::CallAttributes;
///
/// let attributes = CallAttributes::new("generate_content", "gcp.gemini")
///     .with_model("gemini-2.5-flash")
///     .with_attribute("gen_ai.request.temperature", 0.2);
/// let options = CallOptions::default().with_attributes(attributes);
/// # let _ = options;
/// ```
///
/// Whatever is put in here is shown to everyone who observes the call, so it is no place for
/// prompts and secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct CallAttributes {
    operation: Cow<'static, str>,
    provider: Cow<'static, str>,
    model: Option<Cow<'static, str>>,
    more: Vec<(&'static str, AttributeValue)>,
}

impl CallAttributes {
    /// An operation (`gen_ai.operation.name`, such as `chat`, `generate_content` or `embeddings`)
    /// of a provider (`gen_ai.provider.name`, such as `gcp.gemini` or `gcp.vertex_ai`).
    pub fn new(
        operation: impl Into<Cow<'static, str>>,
        provider: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            operation: operation.into(),
            provider: provider.into(),
            model: None,
            more: Vec::new(),
        }
    }

    /// Sets the model that is asked (`gen_ai.request.model`).
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Cow<'static, str>>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Adds any other attribute, such as `gen_ai.request.max_tokens` or one of your own.
    ///
    /// It goes to spans and events but not to metrics, where a value that differs from call to
    /// call would make a time series of its own.
    #[must_use]
    pub fn with_attribute(mut self, name: &'static str, value: impl Into<AttributeValue>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// The operation.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The provider.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model, if one was set.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The other attributes, in the order they were added.
    pub fn others(&self) -> &[(&'static str, AttributeValue)] {
        &self.more
    }
}

/// What a reply holds, in numbers and names; see [`CallRecorder`](crate::observe::CallRecorder).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct ReplyAttributes {
    /// The model that answered (`gen_ai.response.model`).
    pub model: Option<String>,
    /// The reply's own name (`gen_ai.response.id`).
    pub id: Option<String>,
    /// Why each candidate ended (`gen_ai.response.finish_reasons`).
    pub finish_reasons: Vec<String>,
    /// Tokens of the prompt, cached ones included (`gen_ai.usage.input_tokens`).
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, those spent on thinking included (`gen_ai.usage.output_tokens`).
    pub output_tokens: Option<u64>,
    /// Those of the prompt's tokens that came from a cache
    /// (`gen_ai.usage.cache_read.input_tokens`).
    pub cached_tokens: Option<u64>,
    /// Those of the answer's tokens that went into thinking
    /// (`gen_ai.usage.reasoning.output_tokens`).
    pub reasoning_tokens: Option<u64>,
}

impl ReplyAttributes {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the model that answered.
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the reply's own name.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds why a candidate ended.
    pub fn with_finish_reason(mut self, reason: impl Into<String>) -> Self {
        self.finish_reasons.push(reason.into());
        self
    }

    /// Sets the tokens of the prompt, cached ones included.
    pub fn with_input_tokens(mut self, tokens: u64) -> Self {
        self.input_tokens = Some(tokens);
        self
    }

    /// Sets the tokens of the answer, those spent on thinking included.
    pub fn with_output_tokens(mut self, tokens: u64) -> Self {
        self.output_tokens = Some(tokens);
        self
    }

    /// Sets how many of the prompt's tokens came from a cache.
    pub fn with_cached_tokens(mut self, tokens: u64) -> Self {
        self.cached_tokens = Some(tokens);
        self
    }

    /// Sets how many of the answer's tokens went into thinking.
    pub fn with_reasoning_tokens(mut self, tokens: u64) -> Self {
        self.reasoning_tokens = Some(tokens);
        self
    }

    /// Takes over whatever `later` knows. Streams report running totals, so the last one counts.
    pub(crate) fn update(&mut self, later: Self) {
        fn set<T>(old: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *old = new;
            }
        }
        set(&mut self.model, later.model);
        set(&mut self.id, later.id);
        set(&mut self.input_tokens, later.input_tokens);
        set(&mut self.output_tokens, later.output_tokens);
        set(&mut self.cached_tokens, later.cached_tokens);
        set(&mut self.reasoning_tokens, later.reasoning_tokens);
        if !later.finish_reasons.is_empty() {
            self.finish_reasons = later.finish_reasons;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_report_wins_where_it_says_something() {
        let mut reply = ReplyAttributes::new()
            .with_model("m")
            .with_input_tokens(10)
            .with_output_tokens(1);
        reply.update(
            ReplyAttributes::new()
                .with_output_tokens(5)
                .with_finish_reason("STOP"),
        );
        let expected = ReplyAttributes::new()
            .with_model("m")
            .with_input_tokens(10)
            .with_output_tokens(5)
            .with_finish_reason("STOP");
        assert_eq!(reply, expected);
    }
}
