//! Sampling clients in text form, so that another process samples in the same session. A handle
//! holds no credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use gimmal_transport::Error;
use gimmal_types::tinker::{ClientConfigResponse, ClientDynamicConfigResponse};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::client::CloneId;
use super::{SamplerOptions, SamplingClient};
use crate::tinker::ServiceClientBuilder;
use crate::tinker::holder::Holder;

/// What a handle says, in the form of the official SDK.
#[derive(Serialize, Deserialize)]
struct Content {
    session_id: String,
    sampling_session_id: String,
    holder: HolderContent,
    base_model: Option<String>,
    #[serde(default)]
    record_stability_info: bool,
}

#[derive(Serialize, Deserialize)]
struct HolderContent {
    base_url: String,
    default_headers_overrides: Option<BTreeMap<String, String>>,
    client_config: ClientConfigResponse,
    client_dynamic_config: ClientDynamicConfigResponse,
    api_key: Option<()>,
}

impl SamplingClient {
    /// A text from which [`SamplingClient::from_sampler_handle`] makes a client of the same
    /// sampling session, in this process or another. The official SDK reads it as well.
    pub fn get_sampler_handle(&self) -> String {
        let holder = self.holder();
        let content = Content {
            session_id: holder.session_id.clone().unwrap_or_default(),
            sampling_session_id: self.sampling_session_id().to_owned(),
            holder: HolderContent {
                base_url: holder.base_url().to_owned(),
                default_headers_overrides: None,
                client_config: holder.config.clone(),
                client_dynamic_config: holder.dynamic(),
                api_key: None,
            },
            base_model: self.get_base_model().map(str::to_owned),
            record_stability_info: self.records_stability(),
        };
        // Texts and numbers always have a JSON form.
        URL_SAFE.encode(serde_json::to_vec(&content).unwrap_or_default())
    }

    /// A client of the sampling session that a handle names. Key and transport are those of
    /// `settings`, the address is that of the handle.
    ///
    /// The client numbers its samples apart from those of all others of the session. Nothing is
    /// sent before the first sample, except that the session is kept alive.
    ///
    /// ```no_run
    /// # use gimmal_client::tinker::{SamplingClient, ServiceClient};
    /// # fn run(original: &SamplingClient) -> Result<(), gimmal_client::Error> {
    /// let handle = original.get_sampler_handle();
    /// // Elsewhere:
    /// let settings = ServiceClient::builder().from_env();
    /// let sampler = SamplingClient::from_sampler_handle(&handle, settings)?;
    /// # let _ = sampler;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails on a text that is no handle, and on settings that [`ServiceClientBuilder::build`]
    /// refuses.
    pub fn from_sampler_handle(
        handle: &str,
        settings: ServiceClientBuilder,
    ) -> Result<Self, Error> {
        let refuse = |_| Error::invalid("handle", "is not what `get_sampler_handle` gave");
        let json = URL_SAFE.decode(handle.trim()).map_err(|_| refuse(()))?;
        let content: Content = serde_json::from_slice(&json).map_err(|_| refuse(()))?;
        let given = content.holder;
        let mut settings = settings.with_base_url(given.base_url);
        for (name, value) in given.default_headers_overrides.unwrap_or_default() {
            let name: HeaderName = name.parse().map_err(|_| refuse(()))?;
            let value = HeaderValue::from_str(&value).map_err(|_| refuse(()))?;
            settings = settings.with_header(name, value);
        }
        let joins = given.client_config.sample_join_sampling_session;
        let holder = Holder::of_session(
            settings.settings()?,
            content.session_id,
            given.client_config,
            given.client_dynamic_config,
        )?;
        let clone = match joins {
            true => CloneId::to_join(),
            false => CloneId::random(&**holder.calls.0.transport().jitter()),
        };
        let options = SamplerOptions::default().with_stability_info(content.record_stability_info);
        let (session, base) = (content.sampling_session_id, content.base_model);
        Self::open_as(Arc::clone(&holder), session, base, options, clone)
    }
}
