//! What a batch tells a collector, where the command is built with the feature `otlp`; otherwise
//! nothing.

use gimmal_batch::Processor;

use crate::args::Batch;
#[cfg(not(feature = "otlp"))]
use crate::exit::Failure;

/// The way to a collector, if one is named.
#[derive(Default)]
pub(super) struct Telemetry {
    #[cfg(feature = "otlp")]
    otlp: Option<crate::otlp::Otlp>,
}

#[cfg(feature = "otlp")]
impl Telemetry {
    pub(super) async fn open(args: &Batch) -> anyhow::Result<Self> {
        let otlp = match &args.reports.otlp_endpoint {
            Some(endpoint) => Some(crate::otlp::Otlp::open(endpoint).await?),
            None => None,
        };
        Ok(Self { otlp })
    }

    pub(super) fn hear(&self, processor: Processor) -> Processor {
        match &self.otlp {
            Some(otlp) => processor.with_observer(otlp.observer()),
            None => processor,
        }
    }

    /// Sends what is left; a collector that does not take it costs no result.
    pub(super) async fn close(self) -> std::io::Result<()> {
        use std::io::Write as _;

        let Some(otlp) = self.otlp else {
            return Ok(());
        };
        match otlp.close().await {
            Ok(()) => Ok(()),
            Err(error) => writeln!(
                std::io::stderr(),
                "warning: the collector did not take all spans and metrics: {error}"
            ),
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl Telemetry {
    pub(super) async fn open(args: &Batch) -> anyhow::Result<Self> {
        match &args.reports.otlp_endpoint {
            Some(_) => Err(Failure::usage(
                "--otlp-endpoint: this command was built without the feature `otlp`",
            )),
            None => Ok(Self::default()),
        }
    }

    pub(super) fn hear(&self, processor: Processor) -> Processor {
        processor
    }

    pub(super) async fn close(self) -> std::io::Result<()> {
        Ok(())
    }
}
