//! The input of a batch: read twice, once to check and once to send.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gimmal_batch::WorkItem;
use gimmal_batch::input::{PromptReader, Template};
use gimmal_batch::output::Earlier;
use serde_json::{Map, Value};

use crate::batch_args::{Format, InputArgs};
use crate::exit::Failure;

/// A prompt; its context is its place in the input and the other members of its line.
pub(super) type PlacedItem = WorkItem<String, (u64, Map<String, Value>)>;

type Reader = PromptReader<Box<dyn BufRead + Send>>;

/// Where the prompts come from, and what they look like.
pub(super) struct Prompts {
    place: Place,
    format: Format,
    template: Option<Template>,
}

enum Place {
    Path(PathBuf),
    /// Standard input can be read once only, so it is kept.
    Memory(Arc<[u8]>),
}

/// What checking the input found.
pub(super) struct Checked {
    pub(super) items: u64,
    pub(super) skipped: u64,
    reader: Reader,
}

impl Checked {
    /// The digest that the answer to an item carries; `None` for an item that is not in the input.
    pub(super) fn digest_of(&self, id: &str, run: &str) -> Option<String> {
        self.reader.digest_of(id, run)
    }

    /// A digest of all prompts with their names.
    pub(super) fn fingerprint(&self) -> String {
        self.reader.fingerprint()
    }
}

impl Prompts {
    /// `-` is standard input.
    pub(super) fn open(path: &Path, form: &InputArgs) -> anyhow::Result<Self> {
        let template = form.template.as_deref().map(str::parse).transpose();
        let template = template.map_err(|error| Failure::usage(format!("--template: {error}")))?;
        let mut place = Place::Path(path.to_owned());
        if super::is_stdio(path) {
            let mut bytes = Vec::new();
            std::io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
            place = Place::Memory(bytes.into());
        }
        Ok(Self {
            place,
            format: form.format.unwrap_or_else(|| format_of(path)),
            template,
        })
    }

    fn name(&self) -> String {
        match &self.place {
            Place::Path(path) => path.display().to_string(),
            Place::Memory(_) => "standard input".to_owned(),
        }
    }

    fn read(&self) -> anyhow::Result<Reader> {
        let reader = match (self.format, &self.place) {
            (Format::Dir, Place::Path(path)) => PromptReader::files(self.files(path)?),
            (Format::Dir, Place::Memory(_)) => {
                return Err(Failure::usage("--format dir needs a folder as input"));
            }
            (Format::Jsonl, _) => PromptReader::new(self.bytes()?),
            (Format::Csv, _) => PromptReader::csv(self.bytes()?),
            (Format::Lines, _) => PromptReader::lines(self.bytes()?),
        };
        Ok(match &self.template {
            Some(template) => reader.with_template(template.clone()),
            None => reader,
        })
    }

    fn bytes(&self) -> anyhow::Result<Box<dyn BufRead + Send>> {
        Ok(match &self.place {
            Place::Path(path) => {
                let file = File::open(path).map_err(|error| self.unreadable(&error))?;
                Box::new(BufReader::new(file))
            }
            Place::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }

    /// The files of a folder by name; hidden ones and folders within are passed over.
    fn files(&self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder).map_err(|error| self.unreadable(&error))?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| self.unreadable(&error))?.path();
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_file() && !hidden {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn unreadable(&self, error: &std::io::Error) -> anyhow::Error {
        Failure::usage(format!("cannot read the input {}: {error}", self.name()))
    }

    /// Reads the whole input before anything is sent, and names every line that cannot be used.
    pub(super) fn check(&self, skip_invalid: bool) -> anyhow::Result<Checked> {
        const SHOWN: usize = 20;
        let name = self.name();
        let mut reader = self.read()?;
        let (mut items, mut bad) = (0, Vec::new());
        while let Some(item) = reader.read().map_err(|error| self.unreadable(&error))? {
            match item {
                Ok(_) => items += 1,
                Err(line) => bad.push(line),
            }
        }
        let files = match (self.format, &self.place) {
            (Format::Dir, Place::Path(folder)) => Some(self.files(folder)?),
            _ => None,
        };
        // What is wrong with many lines alike, such as a column that is not there, is told once.
        let mut told: Vec<(u64, &str, usize)> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for line in &bad {
            if let Some(place) = known.get(line.reason.as_str()) {
                told[*place].2 += 1;
            } else {
                known.insert(&line.reason, told.len());
                told.push((line.line, &line.reason, 0));
            }
        }
        for (line, reason, more) in told.iter().take(SHOWN) {
            let file = usize::try_from(*line)
                .ok()
                .and_then(|line| line.checked_sub(1));
            let file = file.and_then(|place| files.as_ref()?.get(place));
            let place = file.map_or_else(
                || format!("{name}:{line}"),
                |file| file.display().to_string(),
            );
            let also = match more {
                0 => String::new(),
                more => format!(" (and {more} more like it)"),
            };
            writeln!(std::io::stderr(), "{place}: {reason}{also}")?;
        }
        if told.len() > SHOWN {
            writeln!(std::io::stderr(), "and {} more", told.len() - SHOWN)?;
        }
        if !bad.is_empty() && !skip_invalid {
            let what = if files.is_some() { "file" } else { "line" };
            let lines = if bad.len() == 1 {
                format!("1 {what}")
            } else {
                format!("{} {what}s", bad.len())
            };
            return Err(Failure::usage(format!(
                "{lines} of {name} cannot be used, so nothing was sent; mend them or pass \
                 --skip-invalid"
            )));
        }
        if items == 0 {
            return Err(Failure::usage(format!("the input {name} holds no prompts")));
        }
        Ok(Checked {
            items,
            skipped: bad.len() as u64,
            reader,
        })
    }

    /// The items that have no answer yet, read as they are needed.
    pub(super) fn pending(
        &self,
        earlier: &Earlier,
    ) -> anyhow::Result<impl Iterator<Item = PlacedItem> + Send + 'static> {
        let mut reader = self.read()?;
        let answered = earlier.answered.clone();
        // The file was read to its end a moment ago; a line that changed since is passed over.
        let items = std::iter::from_fn(move || reader.read().ok().flatten());
        Ok(items
            .filter_map(Result::ok)
            .enumerate()
            .filter(move |(_, item)| !answered.contains(&item.id))
            .map(|(place, mut item)| {
                let members = std::mem::take(&mut item.context);
                item.with_context((place as u64, members))
            }))
    }
}

/// What an input is by its name.
fn format_of(path: &Path) -> Format {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        _ if path.is_dir() => Format::Dir,
        Some("csv") => Format::Csv,
        Some("txt") => Format::Lines,
        _ => Format::Jsonl,
    }
}
