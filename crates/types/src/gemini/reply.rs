//! What users ask of a reply: its text, its value, its calls.

mod chunks;
mod hops;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Error as _};

use super::{
    CodeExecutionResult, ExecutableCode, FinishReason, FunctionCall, GenerateContentResponse, Part,
};

impl GenerateContentResponse {
    /// The parts of the first candidate; empty when there is none.
    pub fn parts(&self) -> &[Part] {
        self.candidates
            .first()
            .and_then(|candidate| candidate.content.as_ref())
            .map_or(&[], |content| content.parts.as_slice())
    }

    /// The text of the first candidate without its reasoning.
    ///
    /// `None` when it holds no text part at all, as with a refused prompt or a bare function call;
    /// an empty text is `Some`.
    ///
    /// ```
    /// use gimmal_types::gemini::GenerateContentResponse;
    ///
    /// let reply: GenerateContentResponse = serde_json::from_str(
    ///     r#"{"candidates": [{"content": {"parts": [
    ///         {"text": "hm", "thought": true}, {"text": "4"}, {"text": "2"}]}}]}"#,
    /// )?;
    /// assert_eq!(reply.text().as_deref(), Some("42"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(&self) -> Option<String> {
        let said = self.parts().iter().filter(|part| !part.is_thought());
        let mut texts = said.filter_map(|part| part.text.as_deref());
        let mut text = texts.next()?.to_owned();
        text.extend(texts);
        Some(text)
    }

    /// The text of the first candidate as a value: JSON, or the bare word of an enumeration.
    ///
    /// ```
    /// use gimmal_types::gemini::GenerateContentResponse;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct City {
    ///     name: String,
    /// }
    ///
    /// let reply: GenerateContentResponse = serde_json::from_str(
    ///     r#"{"candidates": [{"content": {"parts": [{"text": "{\"name\": \"Ulm\"}"}]}}]}"#,
    /// )?;
    /// assert_eq!(reply.parsed::<City>()?.name, "Ulm");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when there is no text, and when the text is not such a value.
    pub fn parsed<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let text = self
            .text()
            .ok_or_else(|| serde_json::Error::custom("the reply holds no text"))?;
        serde_json::from_str(&text).or_else(|error| {
            // With the media type `text/x.enum` the word comes without quotes.
            let word = StrDeserializer::<serde_json::Error>::new(text.trim());
            T::deserialize(word).map_err(|_| error)
        })
    }

    /// The prompt tokens of the first request, when the reply took several; else of the only one.
    pub fn initial_prompt_token_count(&self) -> Option<i32> {
        let usage = self.usage_metadata.as_ref();
        self.initial_prompt_token_count
            .or_else(|| usage.and_then(|usage| usage.prompt_token_count))
    }

    /// The function calls of the first candidate, in order.
    pub fn function_calls(&self) -> impl Iterator<Item = &FunctionCall> {
        self.parts()
            .iter()
            .filter_map(|part| part.function_call.as_deref())
    }

    /// The first piece of code of the first candidate.
    pub fn executable_code(&self) -> Option<&ExecutableCode> {
        self.parts()
            .iter()
            .find_map(|part| part.executable_code.as_deref())
    }

    /// The first result of code of the first candidate.
    pub fn code_execution_result(&self) -> Option<&CodeExecutionResult> {
        self.parts()
            .iter()
            .find_map(|part| part.code_execution_result.as_deref())
    }

    /// Why the first candidate stopped.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.candidates.first()?.finish_reason.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    fn reply(text: &str) -> GenerateContentResponse {
        let reply = json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
        serde_json::from_value(reply).unwrap()
    }

    #[test]
    fn a_text_is_read_as_a_value() {
        #[derive(Debug, Deserialize, PartialEq)]
        enum Section {
            Brass,
            Strings,
        }
        assert_eq!(reply("[1, 2]").parsed::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(
            reply("Brass\n").parsed::<Section>().unwrap(),
            Section::Brass
        );
        assert_eq!(
            reply("\"Strings\"").parsed::<Section>().unwrap(),
            Section::Strings
        );
        let error = reply("no JSON").parsed::<u8>().unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        let empty = GenerateContentResponse::default().parsed::<Value>();
        assert_eq!(empty.unwrap_err().to_string(), "the reply holds no text");
    }

    /// Covers: GenerateContentResponse.executable_code,
    /// GenerateContentResponse.code_execution_result, GenerateContentResponse.parts,
    /// GenerateContentResponse.text
    #[test]
    fn code_and_its_result_are_found_among_the_parts() {
        let reply = json!({"candidates": [
            {"content": {"parts": [
                {"text": "hm", "thought": true},
                {"text": "I compute. "},
                {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42"}},
                {"text": "It is 42."},
            ]}},
            {"content": {"parts": [{"text": "another candidate"}]}},
        ]});
        let reply: GenerateContentResponse = serde_json::from_value(reply).unwrap();
        assert_eq!(reply.parts().len(), 5);
        assert_eq!(reply.text().as_deref(), Some("I compute. It is 42."));
        let code = reply.executable_code().unwrap();
        assert_eq!(code.code.as_deref(), Some("print(6 * 7)"));
        let result = reply.code_execution_result().unwrap();
        assert_eq!(result.output.as_deref(), Some("42"));
        let empty = GenerateContentResponse::default();
        assert!(empty.parts().is_empty() && empty.executable_code().is_none());
        assert!(empty.code_execution_result().is_none());
    }

    #[test]
    fn a_reply_without_content_has_no_text() {
        let reply: GenerateContentResponse =
            serde_json::from_value(json!({"candidates": [{"finishReason": "NEW_REASON"}]}))
                .unwrap();
        assert_eq!(reply.text(), None);
        assert_eq!(reply.finish_reason().unwrap().name(), "NEW_REASON");
        assert_eq!(reply.function_calls().count(), 0);
    }
}
