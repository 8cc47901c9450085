//! A run whose process is killed, and taken up again: it ends with the same loss as one that was not
//! disturbed. Without an account; the emulator stays while the program that trains does not.

mod support;

use std::io::{BufRead as _, BufReader, Write as _, stdout};
use std::path::Path;
use std::process::{Command, Stdio};

use gimmal_client::tinker::ServiceClient;
use gimmal_training::{LrSchedule, Sft, SftOptions, SftOutcome, byte_tokens, supervised};

/// The argument that makes this program the one that trains.
const CHILD: &str = "train";
const STEPS: u64 = 30;
/// The steps after which the program is killed.
const KILLED_AFTER: usize = 17;

async fn train(service: ServiceClient, folder: &Path) -> support::Result<SftOutcome> {
    let sums = (0..8).map(|left| {
        let (prompt, sum) = (format!("{left}+3="), (left + 3).to_string());
        supervised(&byte_tokens(&prompt, false), &byte_tokens(&sum, true))
    });
    let data: Vec<_> = sums.collect::<Result<_, _>>()?;
    let options = SftOptions::new(support::MODEL, LrSchedule::new(0.003, STEPS)?)
        .with_batch_size(3)
        .with_checkpoint_every(5)
        .with_folder(folder);
    let run = Sft::new(service, data, options).on_step(|step| {
        let _ = writeln!(stdout(), "step {}", step.step);
    });
    Ok(run.run().await?)
}

/// Trains in another process, and kills it in the middle.
fn killed(address: Option<&str>, folder: &Path) -> support::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(CHILD).arg(folder).stdout(Stdio::piped());
    if let Some(address) = address {
        command
            .env("TINKER_BASE_URL", address)
            .env("TINKER_API_KEY", "tml-emulator");
    }
    let mut child = command.spawn()?;
    let told = child.stdout.take().ok_or("the program is silent")?;
    let last = BufReader::new(told).lines().nth(KILLED_AFTER);
    child.kill()?;
    child.wait()?;
    writeln!(
        stdout(),
        "killed after {}",
        last.transpose()?.ok_or("it ended before")?
    )?;
    Ok(())
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let (service, emulator) = support::connect().await?;
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, folder] = &arguments[..]
        && command == CHILD
    {
        train(service, Path::new(folder)).await?;
        return Ok(());
    }
    let folder = support::folder("resumed")?;
    let (address, own) = (
        emulator.as_ref().map(|it| it.base_url().to_owned()),
        folder.clone(),
    );
    let waits = tokio::task::spawn_blocking(move || {
        killed(address.as_deref(), &own).map_err(|error| error.to_string())
    });
    waits.await??;
    let resumed = train(service.clone(), &folder).await?;
    let undisturbed = train(service, &support::folder("undisturbed")?).await?;
    support::draw(&folder, "loss:mean")?;
    let (resumed, undisturbed) = resumed
        .last_loss
        .zip(undisturbed.last_loss)
        .ok_or("no steps")?;
    if (resumed - undisturbed).abs() > 1e-6 {
        return Err(format!("{resumed} is not {undisturbed}").into());
    }
    writeln!(stdout(), "both runs end with a loss of {resumed}")?;
    Ok(())
}
