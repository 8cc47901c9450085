//! `gimmal train plot`: the curves of a run, in the terminal, as SVG or as PNG.

use std::process::ExitCode;

use gimmal_training::plot::{Chart, Curve, curves};
use gimmal_training::{StepMetrics, read_metrics};

use super::args::Plot;
use crate::args::Connection;
use crate::exit::Failure;
use crate::output;

/// Draws the metrics of a file.
pub(crate) fn run(connection: &Connection, args: &Plot) -> anyhow::Result<ExitCode> {
    if !(0.0..1.0).contains(&args.smooth) {
        let message = format!(
            "--smooth is {}; give a number from 0 to below 1",
            args.smooth
        );
        return Err(Failure::usage(message));
    }
    let steps = read_metrics(&args.metrics).map_err(|error| Failure::usage(error.to_string()))?;
    let names: Vec<&str> = args.metric.iter().map(String::as_str).collect();
    let found = curves(&steps, &names);
    for name in names {
        if !found.iter().any(|curve| curve.name == name) {
            return Err(unknown(name, &steps));
        }
    }
    let smoothed: Vec<Curve> = found
        .iter()
        .map(|curve| curve.smoothed(args.smooth))
        .collect();
    if connection.json && args.output.is_none() {
        return points(&smoothed);
    }
    let title = args.metrics.display().to_string();
    let chart = Chart::new(title, smoothed);
    let Some(file) = &args.output else {
        let (columns, rows) = (args.width.unwrap_or(80), args.height.unwrap_or(20));
        output::line(chart.terminal(columns, rows)?.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    let (width, height) = (args.width.unwrap_or(960), args.height.unwrap_or(540));
    let bytes = match file.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => chart.svg(width, height)?.into_bytes(),
        Some("png") => chart.png(width, height)?,
        _ => {
            let message = format!("{} ends neither in .svg nor in .png", file.display());
            return Err(Failure::usage(message));
        }
    };
    std::fs::write(file, bytes)
        .map_err(|error| Failure::output(format!("cannot write {}: {error}", file.display())))?;
    if connection.json {
        output::json_line(&serde_json::json!({"plot": file.display().to_string()}))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The points themselves, for programs.
fn points(curves: &[Curve]) -> anyhow::Result<ExitCode> {
    let curves = curves.iter();
    let curves: Vec<_> = curves
        .map(|curve| serde_json::json!({"name": curve.name, "points": curve.points}))
        .collect();
    output::json_line(&serde_json::json!({"curves": curves}))?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str, steps: &[StepMetrics]) -> anyhow::Error {
    let mut known: Vec<&str> = steps
        .iter()
        .flat_map(|step| step.metrics.keys().map(String::as_str))
        .collect();
    known.sort_unstable();
    known.dedup();
    Failure::usage(format!(
        "no step has the metric {name}; there are: {}",
        known.join(", ")
    ))
}
