//! What all events of a stream have in common: where they stand, and whose they are.

use super::InteractionSseEvent;

impl InteractionSseEvent {
    /// Resumes the stream after this event.
    pub fn event_id(&self) -> Option<&str> {
        let id = match self {
            Self::Created(event) => &event.event_id,
            Self::StatusUpdate(event) => &event.event_id,
            Self::StepStart(event) => &event.event_id,
            Self::StepDelta(event) => &event.event_id,
            Self::StepStop(event) => &event.event_id,
            Self::Completed(event) => &event.event_id,
            Self::Error(event) => &event.event_id,
            Self::Unknown(value) => return value.get("event_id")?.as_str(),
        };
        id.as_deref().filter(|id| !id.is_empty())
    }

    /// The interaction, where the event names it.
    pub fn interaction_id(&self) -> Option<&str> {
        let id = match self {
            Self::Created(event) => &event.interaction.as_ref()?.id,
            Self::Completed(event) => &event.interaction.as_ref()?.id,
            Self::StatusUpdate(event) => &event.interaction_id,
            _ => return None,
        };
        id.as_deref().filter(|id| !id.is_empty())
    }

    /// The words that the event adds to what the model says.
    ///
    /// ```
    /// use gimmal_types::gemini::interactions::InteractionSseEvent;
    ///
    /// let event: InteractionSseEvent = serde_json::from_str(
    ///     r#"{"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "ring"}}"#,
    /// )?;
    /// assert_eq!(event.text(), Some("ring"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::StepDelta(event) => match event.delta.as_deref()? {
                super::StepDeltaData::Text(delta) => delta.text.as_deref(),
                _ => None,
            },
            _ => None,
        }
    }
}
