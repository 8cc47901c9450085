//! What an interaction is made of, whoever answers.

use super::{CreateAgentInteraction, CreateModelInteraction, InteractionsInput};

/// What is asked of a model or of an agent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InteractionRequest {
    /// Of a model.
    Model(Box<CreateModelInteraction>),
    /// Of an agent.
    Agent(Box<CreateAgentInteraction>),
}

/// A field that both kinds of requests have.
macro_rules! shared {
    ($self:expr, $field:ident) => {
        match $self {
            Self::Model(request) => &mut request.$field,
            Self::Agent(request) => &mut request.$field,
        }
    };
    (ref $self:expr, $field:ident) => {
        match $self {
            Self::Model(request) => &request.$field,
            Self::Agent(request) => &request.$field,
        }
    };
}

impl InteractionRequest {
    /// Whether an agent is asked.
    pub fn is_agent(&self) -> bool {
        matches!(self, Self::Agent(_))
    }

    /// Whether the service works on its own while you poll.
    pub fn is_background(&self) -> bool {
        *shared!(ref self, background) == Some(true)
    }

    /// Whether the service keeps it, as it does unless told otherwise.
    pub fn is_stored(&self) -> bool {
        *shared!(ref self, store) != Some(false)
    }

    /// What is said.
    pub fn input(&self) -> Option<&InteractionsInput> {
        shared!(ref self, input).as_ref()
    }

    /// Says something else.
    pub fn set_input(&mut self, input: Option<InteractionsInput>) {
        *shared!(self, input) = input;
    }

    /// Whether it comes in events.
    pub fn set_stream(&mut self, stream: Option<bool>) {
        *shared!(self, stream) = stream;
    }

    /// The token that it goes on with.
    pub fn continuation_token(&self) -> Option<&str> {
        shared!(ref self, continuation_token).as_deref()
    }

    /// Goes on with a token.
    ///
    /// A token that an earlier request brought comes with the interaction it belongs to, `owner`.
    /// Where the service keeps interactions it knows from that one what was said, so that it is
    /// not said again; where it does not, everything is sent as before.
    pub fn set_continuation(&mut self, token: impl Into<String>, owner: Option<&str>) {
        *shared!(self, continuation_token) = Some(token.into());
        if let Some(owner) = owner.filter(|_| self.is_stored()) {
            *shared!(self, previous_interaction_id) = Some(owner.to_owned());
            *shared!(self, input) = None;
        }
    }
}

impl From<CreateModelInteraction> for InteractionRequest {
    fn from(request: CreateModelInteraction) -> Self {
        Self::Model(Box::new(request))
    }
}

impl From<CreateAgentInteraction> for InteractionRequest {
    fn from(request: CreateAgentInteraction) -> Self {
        Self::Agent(Box::new(request))
    }
}

impl serde::Serialize for InteractionRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Model(request) => request.serialize(serializer),
            Self::Agent(request) => request.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn going_on_names_the_owner_where_the_service_remembers() {
        let request = CreateModelInteraction::new()
            .set_model("m")
            .set_input("hello");
        let mut stored = InteractionRequest::from(request.clone());
        stored.set_continuation("t", Some("i"));
        assert_eq!(
            to_value(&stored).unwrap(),
            json!({"model": "m", "continuation_token": "t", "previous_interaction_id": "i"})
        );
        let mut kept_here = InteractionRequest::from(request.clone().set_store(false));
        kept_here.set_continuation("t", Some("i"));
        let said =
            json!({"model": "m", "input": "hello", "store": false, "continuation_token": "t"});
        assert_eq!(to_value(&kept_here).unwrap(), said);
        let mut own_token = InteractionRequest::from(request);
        own_token.set_continuation("t", None);
        assert_eq!(own_token.input(), Some(&"hello".into()));
        assert_eq!(own_token.continuation_token(), Some("t"));
    }

    #[test]
    fn agents_are_asked_alike() {
        let request = CreateAgentInteraction::new()
            .set_agent("a")
            .set_background(true);
        let mut request = InteractionRequest::from(request);
        assert!(request.is_agent() && request.is_background() && request.is_stored());
        request.set_stream(Some(true));
        request.set_input(Some("hello".into()));
        assert_eq!(
            to_value(request).unwrap(),
            json!({"agent": "a", "input": "hello", "stream": true, "background": true})
        );
    }
}
