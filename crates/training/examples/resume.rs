//! A run whose process is killed, and taken up again; then the service loses it, and its monitor has it
//! go on from the last checkpoint. It ends with the same loss as one that was not disturbed. Without an
//! account; the emulator stays while the program that trains does not.

mod support;

use std::io::{BufRead as _, BufReader, Write as _, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use gimmal_client::tinker::ServiceClient;
use gimmal_client::tinker::recovery::RecoveryPolicy;
use gimmal_emulator::TinkerControl;
use gimmal_training::{LrSchedule, SavedRun, Sft, SftOptions, SftOutcome, byte_tokens, supervised};

/// The argument that makes this program the one that trains.
const CHILD: &str = "train";
const STEPS: u64 = 30;
/// The steps after which the program is killed.
const KILLED_AFTER: usize = 17;
/// The step after which the emulator loses the run.
const LOST_AFTER: u64 = 22;

/// Trains to the end, whatever happens to the run on the way.
async fn train(
    service: ServiceClient,
    folder: &Path,
    mut losing: Option<TinkerControl>,
) -> support::Result<SftOutcome> {
    let sums = (0..8).map(|left| {
        let (prompt, sum) = (format!("{left}+3="), (left + 3).to_string());
        supervised(&byte_tokens(&prompt, false), &byte_tokens(&sum, true))
    });
    let data: Vec<_> = sums.collect::<Result<_, _>>()?;
    let options = SftOptions::new(support::MODEL, LrSchedule::new(0.001, STEPS)?)
        .with_batch_size(3)
        .with_checkpoint_every(5)
        .with_folder(folder);
    let policy = RecoveryPolicy::enabled().with_poll_interval(Duration::from_millis(100));
    let own = folder.to_owned();
    let run = Sft::new(service, data, options)
        .with_recovery(policy)
        .on_step(move |step| {
            let _ = writeln!(stdout(), "step {}", step.step);
            if step.step == LOST_AFTER && losing.take().is_some_and(|control| lose(&control, &own))
            {
                let _ = writeln!(stdout(), "the service has lost the run");
            }
        });
    Ok(run.run().await?)
}

/// Has the emulator lose the run of a folder, which the paths of its checkpoints name.
fn lose(control: &TinkerControl, folder: &Path) -> bool {
    let saved = SavedRun::load(folder).ok().flatten();
    let last = saved.and_then(|mut saved| saved.checkpoints.pop());
    let run = last.and_then(|last| Some(last.path.split('/').nth(2)?.to_owned()));
    run.is_some_and(|run| control.corrupt_run(&run))
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
        train(service, Path::new(folder), None).await?;
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
    let losing = emulator.as_ref().map(|it| it.tinker());
    let resumed = train(service.clone(), &folder, losing).await?;
    let undisturbed = train(service, &support::folder("undisturbed")?, None).await?;
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
