//! What was said, and which part of it is fit to be sent again.
//!
//! The service refuses turns without content, and a reply without content would make every later
//! message fail. So two histories are kept: everything, and what is sent.

use gimmal_transport::Error;
use gimmal_types::gemini::{Content, Part, Role};

/// Both histories of a chat.
#[derive(Clone, Default)]
pub(super) struct History {
    all: Vec<Content>,
    curated: Vec<Content>,
}

impl History {
    /// Curates turns of an earlier conversation: replies that are not fit to be sent go, and with
    /// them the turn that they answered.
    pub(super) fn new(turns: Vec<Content>) -> Result<Self, Error> {
        let mut curated: Vec<Content> = Vec::new();
        let mut rest = turns.as_slice();
        while let Some(first) = rest.first() {
            if !is_model(first, turns.len() - rest.len())? {
                curated.push(first.clone());
                rest = &rest[1..];
                continue;
            }
            let mut replies = 0;
            for (offset, turn) in rest.iter().enumerate() {
                if !is_model(turn, turns.len() - rest.len() + offset)? {
                    break;
                }
                replies += 1;
            }
            let (run, after) = rest.split_at(replies);
            if run.iter().all(is_valid) {
                curated.extend_from_slice(run);
            } else {
                curated.pop();
            }
            rest = after;
        }
        Ok(Self {
            all: turns,
            curated,
        })
    }

    /// A turn of the user's and the replies to it.
    pub(super) fn record(&mut self, user: Content, mut replies: Vec<Content>, valid: bool) {
        if valid {
            self.curated.push(user.clone());
            self.curated.extend_from_slice(&replies);
        }
        if replies.is_empty() {
            replies.push(Content::new().set_role(Role::Model));
        }
        self.all.push(user);
        self.all.append(&mut replies);
    }

    pub(super) fn all(&self) -> &[Content] {
        &self.all
    }

    pub(super) fn curated(&self) -> &[Content] {
        &self.curated
    }
}

/// A turn with parts, none of which is empty. An empty text counts as something said.
pub(super) fn is_valid(turn: &Content) -> bool {
    !turn.parts.is_empty() && turn.parts.iter().all(|part| *part != Part::default())
}

fn is_model(turn: &Content, index: usize) -> Result<bool, Error> {
    match &turn.role {
        None | Some(Role::User) => Ok(false),
        Some(Role::Model) => Ok(true),
        Some(other) => Err(Error::invalid(
            format!("history[{index}].role"),
            format!("must be user or model, not `{}`", other.name()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Content {
        Content::new().set_role(Role::Model)
    }

    fn texts(turns: &[Content]) -> Vec<&str> {
        let parts = turns.iter().flat_map(|turn| &turn.parts);
        parts.filter_map(|part| part.text.as_deref()).collect()
    }

    #[test]
    fn an_empty_reply_takes_its_question_along() {
        let hollow = Content::new()
            .set_role(Role::Model)
            .set_parts([Part::text("kept?"), Part::new()]);
        let turns = vec![
            Content::user("q1"),
            empty(),
            Content::user("q2"),
            Content::model("a2"),
            Content::user("q3"),
            Content::model("a3"),
            hollow,
            Content::user("q4"),
            Content::model(""),
        ];
        let history = History::new(turns.clone()).unwrap();
        assert_eq!(texts(history.curated()), ["q2", "a2", "q4", ""]);
        assert_eq!(history.all(), turns);
    }

    #[test]
    fn questions_without_replies_stay() {
        let turns = vec![Content::user("a"), Content::text("b"), Content::model("c")];
        let history = History::new(turns).unwrap();
        assert_eq!(texts(history.curated()), ["a", "b", "c"]);
    }

    #[test]
    fn other_roles_are_refused() {
        let turns = vec![
            Content::user("a"),
            Content::text("b").set_role(Role::Function),
        ];
        let error = History::new(turns).err().unwrap();
        assert_eq!(error.field(), Some("history[1].role"));
        assert!(
            error
                .to_string()
                .contains("must be user or model, not `function`")
        );
    }

    #[test]
    fn what_is_not_valid_is_recorded_and_not_sent() {
        let mut history = History::default();
        history.record(Content::user("a"), Vec::new(), false);
        history.record(Content::user("b"), vec![Content::model("c")], true);
        assert_eq!(history.all()[1], empty());
        assert_eq!(texts(history.curated()), ["b", "c"]);
        assert_eq!(texts(history.all()), ["a", "b", "c"]);
    }
}
