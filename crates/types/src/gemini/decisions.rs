//! Decisions: yes or no, one of several, or a score, each with how sure the model is.

use crate::gemini::interactions::{Content, Usage};
use crate::wire::IndexMap;

snake_wire! {
    /// Questions on one matter.
    pub struct CreateDecisionRequest {
        /// The model.
        pub model: Option<String>,
        /// The matter.
        pub input: Option<DecisionInput>,
        /// The questions by names of yours.
        pub questions: IndexMap<String, Question>,
    }
}

by_shape! {
    /// The matter that questions are about.
    #[derive(Debug)]
    pub enum DecisionInput {
        /// Words.
        Text(String) = "text",
        /// One piece of content.
        Content(Content) = "object",
        /// Several pieces.
        Contents(Vec<Content>) = "list",
    }
}

tagged! {
    /// A question.
    #[derive(Debug)]
    pub enum Question {
        /// Yes or no.
        Noul(NoulQuestion) = "noul",
        /// One of several.
        Choice(ChoiceQuestion) = "choice",
        /// A score.
        Score(ScoreQuestion) = "score",
    }
}

by_shape! {
    /// How a question is to be answered.
    #[derive(Debug)]
    pub enum Instructions {
        /// Words.
        Text(String) = "text",
        /// One piece of text.
        Content(Content) = "object",
        /// Several pieces of text.
        Contents(Vec<Content>) = "list",
    }
}

snake_wire! {
    /// A question with yes or no for an answer.
    #[derive(Debug)]
    pub struct NoulQuestion {
        /// What is asked.
        pub instructions: Option<Instructions>,
        /// What yes and no mean.
        pub criteria: Option<Box<NoulCriteria>>,
    }

    /// What yes and no mean.
    #[derive(Debug)]
    pub struct NoulCriteria {
        /// What yes means.
        pub true_description: Option<String>,
        /// What no means.
        pub false_description: Option<String>,
    }

    /// A question with one of several answers.
    #[derive(Debug)]
    pub struct ChoiceQuestion {
        /// What is asked.
        pub instructions: Option<Instructions>,
        /// The answers by names of yours, 2 to 255, each with what it means.
        pub criteria: IndexMap<String, String>,
    }

    /// A question with a score for an answer.
    #[derive(Debug)]
    pub struct ScoreQuestion {
        /// What is asked.
        pub instructions: Option<Instructions>,
        /// What each score means, from 0 on; 2 to 255 of them.
        pub criteria: Vec<String>,
    }

    /// Answers to questions on one matter.
    #[derive(Debug)]
    pub struct CreateDecisionResponse {
        /// The answers by the names of their questions.
        pub answers: IndexMap<String, Answer>,
        /// Why there are none.
        pub prompt_feedback: Option<Box<PromptFeedback>>,
        /// What they cost.
        pub usage: Option<Box<Usage>>,
    }
}

tagged! {
    /// An answer.
    #[derive(Debug)]
    pub enum Answer {
        /// Yes or no.
        Noul(NoulAnswer) = "noul",
        /// One of several.
        Choice(ChoiceAnswer) = "choice",
        /// A score.
        Score(ScoreAnswer) = "score",
    }
}

snake_wire! {
    /// Yes or no.
    #[derive(Debug)]
    pub struct NoulAnswer {
        /// How likely yes is, from 0.01 to 0.99.
        pub noul: Option<f64>,
        /// How likely the likelier of the two is, from 0 to 1.
        pub confidence: Option<f64>,
    }

    /// One of several answers.
    #[derive(Debug)]
    pub struct ChoiceAnswer {
        /// The likeliest.
        pub choice: Option<String>,
        /// How likely each is, from 0 to 1.
        pub probabilities: IndexMap<String, f64>,
        /// How likely the likeliest is, from 0 to 1.
        pub confidence: Option<f64>,
    }

    /// A score.
    #[derive(Debug)]
    pub struct ScoreAnswer {
        /// The scores weighed by how likely they are.
        pub score: Option<f64>,
        /// How likely each score is, from 0 to 1.
        pub probabilities: IndexMap<String, f64>,
        /// What each score means.
        pub legend: IndexMap<String, String>,
        /// How likely the likeliest score is, from 0 to 1.
        pub confidence: Option<f64>,
    }

    /// Why there are no answers.
    #[derive(Debug)]
    pub struct PromptFeedback {
        /// Why the matter was refused.
        pub block_reason: Option<BlockReason>,
        /// The same, for people.
        pub block_reason_message: Option<String>,
    }
}

open_enum! {
    /// Why a matter was refused.
    pub enum BlockReason {
        /// It is harmful.
        Safety = "safety",
        /// Something else.
        Other = "other",
        /// It holds a listed term.
        Blocklist = "blocklist",
        /// It is forbidden.
        ProhibitedContent = "prohibited_content",
        /// A picture of it is harmful.
        ImageSafety = "image_safety",
    }
}

names_only_debug!(CreateDecisionRequest);

from_text!(DecisionInput::Text, Instructions::Text);
