//! Which answers may be stored: complete and successful ones. It looks at answers of the shape that
//! Gemini gives; of any other it asks only that it is not empty.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::key::KeyRequest;
use crate::value::{Format, Value};

/// Rules for what may be stored.
///
/// ```
/// use gimmal_cache::{Admission, Inadmissible, Value};
/// use serde_json::json;
///
/// let cut = json!({"candidates": [{"finishReason": "MAX_TOKENS"}]});
/// let verdict = Admission::default().judge(&Value::json(&cut)?);
/// assert_eq!(verdict, Err(Inadmissible::Unfinished));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use]
pub struct Admission {
    allows_tools: bool,
    max_temperature: Option<f64>,
}

impl Admission {
    /// Also stores answers with function calls, executed code or search results.
    pub fn with_tools(mut self) -> Self {
        self.allows_tools = true;
        self
    }

    /// Neither reads nor stores for requests above this temperature.
    pub fn with_max_temperature(mut self, temperature: f64) -> Self {
        self.max_temperature = Some(temperature);
        self
    }

    /// Whether an answer may be stored.
    ///
    /// # Errors
    ///
    /// The first reason why not.
    pub fn judge(&self, answer: &Value) -> Result<(), Inadmissible> {
        if answer.as_bytes().is_empty() {
            return Err(Inadmissible::Empty);
        }
        match answer.format() {
            Format::Json => {}
            Format::Events => return self.judge_events(answer),
            _ => return Ok(()),
        }
        match answer
            .as_bytes()
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
        {
            Some(b'"') => match answer.parse::<String>() {
                Ok(text) if text.trim().is_empty() => Err(Inadmissible::Empty),
                _ => Ok(()),
            },
            // Whatever does not have the shape of a reply is the caller's own.
            Some(b'{') => answer
                .parse::<Reply>()
                .map_or(Ok(()), |reply| self.judge_reply(&reply)),
            _ => Ok(()),
        }
    }

    /// Whether the answer to a request may be cached at all.
    pub(super) fn accepts(&self, request: &KeyRequest<'_>) -> bool {
        let (Some(most), Some(temperature)) = (self.max_temperature, request.temperature()) else {
            return true;
        };
        temperature <= most
    }

    /// Judges the reply that the chunks of a stream make up, if they are such chunks.
    fn judge_events(&self, answer: &Value) -> Result<(), Inadmissible> {
        let Ok(chunks) = answer.parse::<Vec<(u64, Reply)>>() else {
            return Ok(());
        };
        if chunks.is_empty() {
            return Err(Inadmissible::Empty);
        }
        let mut whole = Reply::default();
        chunks
            .into_iter()
            .for_each(|(_, chunk)| whole.absorb(chunk));
        self.judge_reply(&whole)
    }

    fn judge_reply(&self, reply: &Reply) -> Result<(), Inadmissible> {
        let Some(candidates) = &reply.candidates else {
            return match reply.prompt_feedback {
                Some(_) => Err(Inadmissible::Unfinished),
                None => Ok(()),
            };
        };
        let is_finished = |it: &Candidate| it.finish_reason.as_deref() == Some("STOP");
        if candidates.is_empty() || !candidates.iter().all(is_finished) {
            return Err(Inadmissible::Unfinished);
        }
        let parts = || candidates.iter().flat_map(Candidate::parts);
        let grounded = |it: &Candidate| it.grounding_metadata.is_some();
        if parts().any(Part::is_tool) || candidates.iter().any(grounded) {
            return match self.allows_tools {
                true => Ok(()),
                false => Err(Inadmissible::Tools),
            };
        }
        if parts().any(Part::has_content) {
            Ok(())
        } else {
            Err(Inadmissible::Empty)
        }
    }
}

/// Why an answer may not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inadmissible {
    /// It is a placeholder.
    Degraded,
    /// It was cut off, blocked or refused.
    Unfinished,
    /// It says nothing.
    Empty,
    /// Tools had a part in it.
    Tools,
}

/// The part of a reply of Gemini that matters here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    candidates: Option<Vec<Candidate>>,
    #[serde(alias = "prompt_feedback")]
    prompt_feedback: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u64,
    #[serde(alias = "finish_reason")]
    finish_reason: Option<String>,
    content: Option<Content>,
    #[serde(alias = "grounding_metadata")]
    grounding_metadata: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(alias = "function_call")]
    function_call: Option<IgnoredAny>,
    #[serde(alias = "executable_code")]
    executable_code: Option<IgnoredAny>,
    #[serde(alias = "code_execution_result")]
    code_execution_result: Option<IgnoredAny>,
    #[serde(alias = "inline_data")]
    inline_data: Option<IgnoredAny>,
}

impl Reply {
    /// Adds a chunk of the same stream.
    fn absorb(&mut self, chunk: Self) {
        self.prompt_feedback = self.prompt_feedback.or(chunk.prompt_feedback);
        for more in chunk.candidates.into_iter().flatten() {
            let candidates = self.candidates.get_or_insert_default();
            match candidates.iter_mut().find(|it| it.index == more.index) {
                Some(candidate) => candidate.absorb(more),
                None => candidates.push(more),
            }
        }
    }
}

impl Candidate {
    fn absorb(&mut self, more: Self) {
        self.finish_reason = more.finish_reason.or(self.finish_reason.take());
        self.grounding_metadata = self.grounding_metadata.or(more.grounding_metadata);
        match (&mut self.content, more.content) {
            (Some(content), Some(more)) => content.parts.extend(more.parts),
            (content, more) => *content = content.take().or(more),
        }
    }

    fn parts(&self) -> &[Part] {
        self.content.as_ref().map_or(&[], |content| &content.parts)
    }
}

impl Part {
    fn is_tool(&self) -> bool {
        self.function_call.is_some()
            || self.executable_code.is_some()
            || self.code_execution_result.is_some()
    }

    fn has_content(&self) -> bool {
        let says = |text: &String| !text.trim().is_empty();
        self.text.as_ref().is_some_and(says) || self.inline_data.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn judge(reply: Json) -> Result<(), Inadmissible> {
        Admission::default().judge(&Value::json(&reply).unwrap())
    }

    fn reply(reason: &str, part: Json) -> Json {
        json!({"candidates": [{"finishReason": reason, "content": {"parts": [part]}}]})
    }

    /// Covers: A1
    #[test]
    fn a1_only_complete_answers_are_stored() {
        assert_eq!(judge(reply("STOP", json!({"text": "yes"}))), Ok(()));
        for reason in ["MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BRAND_NEW"] {
            let verdict = judge(reply(reason, json!({"text": "yes"})));
            assert_eq!(verdict, Err(Inadmissible::Unfinished), "{reason}");
        }
        let two = json!({"candidates": [
            {"finishReason": "STOP", "content": {"parts": [{"text": "a"}]}},
            {"content": {"parts": [{"text": "b"}]}},
        ]});
        assert_eq!(judge(two), Err(Inadmissible::Unfinished));
        let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
        assert_eq!(judge(blocked), Err(Inadmissible::Unfinished));

        for empty in [json!({"text": ""}), json!({"text": " \n"}), json!({})] {
            assert_eq!(judge(reply("STOP", empty)), Err(Inadmissible::Empty));
        }
        assert_eq!(judge(json!("")), Err(Inadmissible::Empty));

        let call = reply("STOP", json!({"functionCall": {"name": "f"}}));
        assert_eq!(judge(call.clone()), Err(Inadmissible::Tools));
        let tools = Admission::default().with_tools();
        assert_eq!(tools.judge(&Value::json(&call).unwrap()), Ok(()));
        let grounded = json!({"candidates": [{
            "finish_reason": "STOP",
            "content": {"parts": [{"text": "a"}]},
            "grounding_metadata": {},
        }]});
        assert_eq!(judge(grounded), Err(Inadmissible::Tools));
    }

    /// Covers: A1
    #[test]
    fn a1_a_stream_is_judged_by_the_reply_it_makes_up() {
        let chunk = |reason: Option<&str>, text: &str| {
            let part = json!({"text": text});
            json!({"candidates": [{"finishReason": reason, "content": {"parts": [part]}}]})
        };
        let judge = |chunks: &[Json]| {
            let events: Vec<_> = chunks.iter().map(|chunk| (7, chunk)).collect();
            let events = serde_json::to_vec(&events).unwrap();
            Admission::default().judge(&Value::new(Format::Events, events))
        };
        let (start, end) = (chunk(None, "a"), chunk(Some("STOP"), ""));
        assert_eq!(judge(&[start.clone(), end]), Ok(()));
        let cut = chunk(Some("MAX_TOKENS"), "b");
        assert_eq!(judge(&[start.clone(), cut]), Err(Inadmissible::Unfinished));
        assert_eq!(judge(&[start]), Err(Inadmissible::Unfinished));
        assert_eq!(judge(&[json!("Once"), json!(" upon")]), Ok(()));
    }

    #[test]
    fn answers_of_other_shapes_are_the_callers_own() {
        for value in [
            json!(null),
            json!(0),
            json!(false),
            json!([]),
            json!({"a": 1}),
        ] {
            assert_eq!(judge(value), Ok(()));
        }
        assert_eq!(Admission::default().judge(&Value::bytes("x")), Ok(()));
        let odd = json!({"candidates": "none"});
        assert_eq!(judge(odd), Ok(()));
    }
}
