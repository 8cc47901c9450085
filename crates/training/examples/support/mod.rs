//! What the examples share: a client, a folder, and the curve of a run. With `TINKER_API_KEY` in the
//! environment the service trains, at a price; otherwise an emulator in this process does.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

use gimmal_client::tinker::ServiceClient;
use gimmal_emulator::Emulator;
use gimmal_training::plot::{Chart, curves};
use gimmal_training::read_metrics;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A small transformer whose tokens are bytes, which the emulator has.
pub(crate) const MODEL: &str = "gimmal/tiny";

/// The client, and the emulator it speaks to. The emulator ends with its value.
pub(crate) async fn connect() -> Result<(ServiceClient, Option<Emulator>)> {
    if std::env::var_os("TINKER_API_KEY").is_some() {
        return Ok((ServiceClient::from_env()?, None));
    }
    let emulator = Emulator::builder().start().await?;
    let builder = ServiceClient::builder().with_api_key("tml-emulator");
    let service = builder.with_base_url(emulator.base_url()).build()?;
    Ok((service, Some(emulator)))
}

/// An empty folder for a run, under `target/runs`.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let folder = Path::new("target/runs").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Draws the curve of a metric of a run in the terminal, and as SVG into its folder. The first and
/// the last value are given back.
pub(crate) fn draw(folder: &Path, metric: &str) -> Result<(f64, f64)> {
    let path = folder.join("metrics.jsonl");
    let found = curves(&read_metrics(&path)?, &[metric]);
    let points = found
        .first()
        .map(|curve| curve.points.clone())
        .unwrap_or_default();
    let chart = Chart::new(metric, found);
    std::fs::write(folder.join("curve.svg"), chart.svg(720, 420)?)?;
    writeln!(stdout(), "{}{}", chart.terminal(72, 16)?, path.display())?;
    let ends = points.first().zip(points.last());
    let ((_, first), (_, last)) = ends.ok_or("the run has no steps")?;
    Ok((*first, *last))
}
