//! What a conversation asks and what it gives to answer from: the question, the texts around it,
//! and the function results that came last.

use serde_json::Value;

use crate::gemini::content::{Content, Part, Role};

/// A single text is only split into context and question from this much context on.
const LEAST_CONTEXT_BYTES: usize = 200;

/// A conversation, from the view of whoever answers it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Prompt<'a> {
    pub(crate) question: &'a str,
    /// Texts to answer from, in order.
    pub(crate) context: Vec<&'a str>,
    /// The results of functions, when the last turn brings some.
    pub(crate) responses: Vec<(&'a str, &'a Value)>,
}

/// Reads the conversation. The question is the last text of the last turn that is not the
/// model's; all other texts are context.
pub(crate) fn read<'a>(contents: &'a [Content<'_>]) -> Prompt<'a> {
    let mut prompt = Prompt::default();
    let asking = contents
        .iter()
        .rposition(|content| content.role != Role::Model);
    for (at, content) in contents.iter().enumerate() {
        let texts = content.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_ref()),
            _ => None,
        });
        prompt.context.extend(texts);
        if Some(at) == asking && content.parts.iter().any(|p| matches!(p, Part::Text(_))) {
            // The text just added last is the question, unless later turns add more context.
            prompt.question = prompt.context.pop().unwrap_or_default();
        }
    }
    if let Some(last) = contents.last() {
        prompt.responses = last.parts.iter().filter_map(response).collect();
    }
    if prompt.context.is_empty()
        && let Some((context, question)) = split_off_question(prompt.question)
    {
        prompt.context.push(context);
        prompt.question = question;
    }
    prompt
}

fn response<'a>(part: &'a Part<'_>) -> Option<(&'a str, &'a Value)> {
    match part {
        Part::FunctionResponse { name, response } => Some((name, response)),
        _ => None,
    }
}

/// A long text whose last paragraph stands by itself: a document followed by a question.
fn split_off_question(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end();
    let at = text.rfind("\n\n").or_else(|| text.rfind("\r\n\r\n"))?;
    let (context, question) = text.split_at(at);
    (context.trim().len() >= LEAST_CONTEXT_BYTES).then(|| (context, question.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn turn<'a>(role: Role, texts: &[&'a str]) -> Content<'a> {
        Content {
            role,
            parts: texts
                .iter()
                .map(|text| Part::Text((*text).into()))
                .collect(),
        }
    }

    #[test]
    fn the_last_text_of_the_last_turn_is_the_question() {
        let contents = [
            turn(Role::User, &["doc one", "doc two"]),
            turn(Role::Model, &["noted"]),
            turn(Role::User, &["doc three", "why?"]),
        ];
        let prompt = read(&contents);
        assert_eq!(prompt.question, "why?");
        assert_eq!(prompt.context, ["doc one", "doc two", "noted", "doc three"]);
        let alone = [turn(Role::User, &["why?"])];
        assert_eq!(
            read(&alone),
            Prompt {
                question: "why?",
                ..Prompt::default()
            }
        );
    }

    #[test]
    fn a_document_with_a_question_under_it_is_taken_apart() {
        let text = format!("{}\n\nWhat is it?\n", "It is a fact. ".repeat(20));
        let contents = [turn(Role::User, &[&text])];
        let prompt = read(&contents);
        assert_eq!(prompt.question, "What is it?");
        assert_eq!(prompt.context.len(), 1);
        let short = [turn(Role::User, &["Hi.\n\nWhat is it?"])];
        assert_eq!(read(&short).context.len(), 0);
    }

    #[test]
    fn function_results_of_the_last_turn_are_found() {
        let result = json!({"result": 1});
        let part = Part::FunctionResponse {
            name: "f",
            response: &result,
        };
        let contents = [
            turn(Role::User, &["q"]),
            Content {
                role: Role::User,
                parts: vec![part],
            },
        ];
        let prompt = read(&contents);
        assert_eq!(prompt.responses, [("f", &result)]);
    }
}
