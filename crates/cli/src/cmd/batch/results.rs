//! The output of a batch: never lost, and opened before anything is sent.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use gimmal_batch::output::{Earlier, OutputRecord, read_earlier};

use super::is_stdio;
use super::prompts::Checked;
use crate::args::Batch;
use crate::exit::Failure;

/// Where results go.
pub(super) struct Results {
    path: PathBuf,
    writer: Box<dyn Write + Send>,
    /// An older file whose content is dropped only when there is a result to take its place.
    replaces: Option<File>,
}

impl Results {
    /// Opens the output. With `--resume` the answers of an earlier run are kept, handed to `each`,
    /// and told apart from what is left to do.
    pub(super) fn open(
        args: &Batch,
        run: &str,
        checked: &Checked,
        each: impl FnMut(&OutputRecord),
    ) -> anyhow::Result<(Self, Earlier)> {
        let path = args.output.clone();
        if is_stdio(&path) {
            let writer = Box::new(std::io::stdout());
            return Ok((
                Self {
                    path,
                    writer,
                    replaces: None,
                },
                Earlier::default(),
            ));
        }
        if args.resume && path.exists() {
            return Self::resume(path, run, checked, each);
        }
        let refuse = |error| unwritable(&args.output, &error);
        // Not truncated yet: a wrong key must not cost the answers of an earlier run.
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(refuse)?;
        let holds_something = file.metadata().map_err(refuse)?.len() > 0;
        let replaces = holds_something
            .then(|| file.try_clone())
            .transpose()
            .map_err(refuse)?;
        Ok((
            Self {
                path,
                writer: Box::new(file),
                replaces,
            },
            Earlier::default(),
        ))
    }

    fn resume(
        path: PathBuf,
        run: &str,
        checked: &Checked,
        each: impl FnMut(&OutputRecord),
    ) -> anyhow::Result<(Self, Earlier)> {
        let refuse = |error| unwritable(&path, &error);
        // The answers to keep go to a new file that takes the old one's place in one step, so a
        // crash here loses nothing. Behind a link it is the file that is replaced.
        let target = path.canonicalize().map_err(refuse)?;
        let part = part_of(&target);
        let mut writer = BufWriter::new(File::create(&part).map_err(refuse)?);
        let reader = BufReader::new(File::open(&target).map_err(refuse)?);
        let earlier = match read_earlier(reader, &mut writer, |id| checked.digest_of(id, run), each)
        {
            Ok(earlier) => earlier,
            Err(error) => {
                std::fs::remove_file(&part).map_err(refuse)?;
                let shown = path.display();
                return Err(Failure::usage(format!("cannot resume {shown}: {error}")));
            }
        };
        let file = writer
            .into_inner()
            .map_err(|error| refuse(error.into_error()))?;
        file.sync_all().map_err(refuse)?;
        std::fs::rename(&part, &target).map_err(refuse)?;
        Ok((
            Self {
                path,
                writer: Box::new(file),
                replaces: None,
            },
            earlier,
        ))
    }

    /// Writes a result, at once.
    pub(super) fn write(&mut self, record: &OutputRecord) -> anyhow::Result<()> {
        let written = self.drop_older().and_then(|()| {
            record.write_line(&mut self.writer)?;
            self.writer.flush()
        });
        written.map_err(|error| self.failed(&error))
    }

    /// The first result is there, so what it replaces may go.
    fn drop_older(&mut self) -> std::io::Result<()> {
        self.replaces.take().map_or(Ok(()), |file| file.set_len(0))
    }

    fn failed(&self, error: &std::io::Error) -> anyhow::Error {
        if error.kind() == ErrorKind::BrokenPipe {
            return std::io::Error::from(ErrorKind::BrokenPipe).into();
        }
        let hint = match error.kind() {
            ErrorKind::StorageFull if self.path.is_file() => {
                "; what was written stays: make room, and run the same command with --resume"
            }
            _ => "",
        };
        Failure::output(format!(
            "cannot write the output {}: {error}{hint}",
            self.path.display()
        ))
    }
}

/// Refuses outputs that hold something which would be lost.
pub(super) fn refuse_unsafe(args: &Batch) -> anyhow::Result<()> {
    refuse_reports(args)?;
    let path = &args.output;
    let shown = path.display();
    if is_stdio(path) {
        return match args.resume {
            true => Err(Failure::usage("--resume needs an output file")),
            false => Ok(()),
        };
    }
    if path.is_dir() {
        return Err(Failure::usage(format!("the output {shown} is a folder")));
    }
    if let Some(folder) = missing_folder(path) {
        return Err(Failure::usage(format!(
            "cannot write the output {shown}: there is no folder {}",
            folder.display()
        )));
    }
    let inputs = [
        Some(&args.input),
        args.context.as_ref(),
        args.prices.as_ref(),
    ];
    let mut inputs = inputs.into_iter().flatten();
    if inputs.any(|input| is_same(input, path) || is_same(input, &part_of(path))) {
        return Err(Failure::usage(format!(
            "the output {shown} is read by the same command"
        )));
    }
    if args.resume && path.exists() && !path.is_file() {
        // Resuming puts a new file in its place, which must not happen to a device or a pipe.
        return Err(Failure::usage(format!(
            "the output {shown} is not a file, so --resume cannot go on with it"
        )));
    }
    // An empty file holds no answers that could be lost.
    let holds_something = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    if holds_something && !args.resume && !args.overwrite {
        return Err(Failure::usage(format!(
            "the output {shown} exists; pass --resume to go on with it or --overwrite to replace it"
        )));
    }
    Ok(())
}

/// What is written beside the output must have its folder before anything is paid for.
fn refuse_reports(args: &Batch) -> anyhow::Result<()> {
    let reports = &args.reports;
    let files = [
        ("--journal", &reports.journal),
        ("--manifest", &reports.manifest),
        ("--metrics", &reports.metrics),
        ("--report", &reports.report),
    ];
    for (argument, path) in files {
        let Some(path) = path else { continue };
        let shown = path.display();
        if path.is_dir() {
            return Err(Failure::usage(format!("{argument}: {shown} is a folder")));
        }
        if let Some(folder) = missing_folder(path) {
            return Err(Failure::usage(format!(
                "{argument}: cannot write {shown}: there is no folder {}",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// The folder of a file, if it is not there.
fn missing_folder(path: &Path) -> Option<&Path> {
    let folder = path.parent()?;
    (!folder.as_os_str().is_empty() && !folder.is_dir()).then_some(folder)
}

fn unwritable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Failure::usage(format!(
        "cannot write the output {}: {error}",
        path.display()
    ))
}

/// True when both names lead to one existing file.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Where a file is written before it replaces an older one.
pub(super) fn part_of(output: &Path) -> PathBuf {
    let mut part = output.as_os_str().to_owned();
    part.push(".part");
    part.into()
}
