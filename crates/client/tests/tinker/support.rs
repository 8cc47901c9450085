//! An emulator and a client of it.

use gimmal_client::tinker::{ServiceClient, TrainingClient};
use gimmal_emulator::{Emulator, EmulatorBuilder};

/// The base model of every test, whose tokens are bytes.
pub(crate) const MODEL: &str = "gimmal/bytes";
pub(crate) const KEY: &str = "tml-emulated";

/// A server, and a client that talks to it.
pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    pub(crate) service: ServiceClient,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let builder = change(Emulator::builder().with_api_key(KEY));
        let emulator = builder.start().await.unwrap();
        let service = ServiceClient::builder()
            .with_api_key(KEY)
            .with_base_url(emulator.base_url())
            .build()
            .unwrap();
        Self { emulator, service }
    }

    pub(crate) async fn training(&self) -> TrainingClient {
        let made = self.service.create_lora_training_client(MODEL).set_rank(4);
        made.await.unwrap()
    }
}
