//! A turn of a conversation and who speaks in it.

use super::Part;

wire! {
    /// One turn: its parts in order and who speaks.
    #[derive(Debug)]
    pub struct Content {
        /// The parts of the turn, in order.
        pub parts: Vec<Part>,
        /// Who speaks; absent means the user.
        pub role: Option<Role>,
    }
}

open_enum! {
    /// Who speaks in a turn.
    pub enum Role {
        /// The person, or the program that answers a function call.
        User = "user",
        /// The model.
        Model = "model",
        /// The program that answers a function call, in older conversations.
        Function = "function",
    }
}

impl Content {
    /// A turn of the user's with one text part.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new()
            .set_role(Role::User)
            .set_parts([Part::text(text)])
    }

    /// A turn of the model's with one text part.
    pub fn model(text: impl Into<String>) -> Self {
        Self::new()
            .set_role(Role::Model)
            .set_parts([Part::text(text)])
    }

    /// A turn without a role, as system instructions are sent.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().set_parts([Part::text(text)])
    }

    /// True when the model speaks in this turn; an absent role means the user.
    pub fn is_model(&self) -> bool {
        self.role == Some(Role::Model)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::user(text)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::user(text)
    }
}

impl From<Vec<Part>> for Content {
    /// A turn of the user's.
    fn from(parts: Vec<Part>) -> Self {
        Self::new().set_role(Role::User).set_parts(parts)
    }
}

impl<const N: usize> From<[Part; N]> for Content {
    /// A turn of the user's.
    fn from(parts: [Part; N]) -> Self {
        Vec::from(parts).into()
    }
}

impl From<Part> for Content {
    /// A turn of one part: the model's when it calls a function, else the user's.
    fn from(part: Part) -> Self {
        let role = if part.function_call.is_some() {
            Role::Model
        } else {
            Role::User
        };
        Self::new().set_role(role).set_parts([part])
    }
}
