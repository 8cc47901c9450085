//! Calls on voices.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::voices::{CreateVoiceRequest, Voice, VoiceInput, VoiceType};

/// The group of calls on voices.
#[derive(Clone, Debug)]
pub struct Voices {
    api: Gemini,
}

impl Voices {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Makes a voice from words or from recordings.
    ///
    /// Unless it is [kept](CreateVoice::set_store), the reply holds a key for it, and it is you
    /// who keeps that.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::voices::{PromptedVoice, VoiceInput, VoiceType};
    ///
    /// let words = PromptedVoice::new().set_input("A calm voice that has read many fairy tales.");
    /// let voice = VoiceInput::new().set_voice_type(VoiceType::Prompted).set_prompted(words);
    /// let voice = client.voices().create(voice).set_store(true).send().await?.into_body();
    /// println!("{}", voice.id.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn create(&self, voice: VoiceInput) -> CreateVoice {
        CreateVoice {
            api: self.api.clone(),
            request: CreateVoiceRequest::new().set_voice(voice),
            options: CallOptions::default(),
        }
    }

    /// Describes a voice that is kept.
    pub fn get(&self, id: impl Into<String>) -> GetVoice {
        GetVoice::new(&self.api, id)
    }

    /// Lists voices, those of the catalogue included.
    pub fn list(&self) -> ListVoicesCall {
        ListVoicesCall::new(&self.api)
    }

    /// Deletes a voice that is kept.
    pub fn delete(&self, id: impl Into<String>) -> DeleteVoice {
        DeleteVoice::new(&self.api, id)
    }
}

/// A `voices.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateVoice {
    api: Gemini,
    request: CreateVoiceRequest,
    options: CallOptions,
}

impl CreateVoice {
    /// Whether the service keeps it.
    pub fn set_store(mut self, store: bool) -> Self {
        self.request = self.request.set_store(store);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_voice`].
    pub async fn send(self) -> Result<Response<Voice>, Error> {
        self.api.create_voice(&self.request, &self.options).await
    }
}

named_calls! {
    /// A `voices.get` call in the making.
    pub struct GetVoice(get_voice) -> Voice;

    /// A `voices.delete` call in the making.
    pub struct DeleteVoice(delete_voice) -> ();
}

list_calls! {
    /// A `voices.list` call in the making.
    ///
    /// Of several values of one filter any may fit; of several filters all must.
    pub struct ListVoicesCall(list_voices) -> Voice;
}

impl ListVoicesCall {
    /// Only voices whose name or description holds this text.
    pub fn set_search(self, text: impl Into<String>) -> Self {
        self.filter("search", text)
    }

    /// Also voices that were made like this.
    pub fn add_type(self, voice_type: impl Into<VoiceType>) -> Self {
        self.filter("type", voice_type.into().name())
    }

    /// Also voices of this language, as BCP 47.
    pub fn add_language_code(self, code: impl Into<String>) -> Self {
        self.filter("language_code", code)
    }

    /// Also voices of this region, as ISO 3166 or UN M.49.
    pub fn add_region_code(self, code: impl Into<String>) -> Self {
        self.filter("region_code", code)
    }

    /// Also voices that seem to come from there.
    pub fn add_accent(self, accent: impl Into<String>) -> Self {
        self.filter("accent", accent)
    }

    /// Also voices that are heard as this gender.
    pub fn add_gender(self, gender: impl Into<String>) -> Self {
        self.filter("gender", gender)
    }

    /// Also voices that are heard as this character.
    pub fn add_persona(self, persona: impl Into<String>) -> Self {
        self.filter("persona", persona)
    }

    /// Also voices that are good for this.
    pub fn add_context(self, context: impl Into<String>) -> Self {
        self.filter("context", context)
    }

    /// Also voices that are this high.
    pub fn add_pitch(self, pitch: impl Into<gimmal_types::gemini::voices::Pitch>) -> Self {
        self.filter("pitch", pitch.into().name())
    }

    fn filter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.list.parameters.push((name.to_owned(), value.into()));
        self
    }
}
