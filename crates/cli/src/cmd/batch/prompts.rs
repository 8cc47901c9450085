//! The input of a batch: read twice, once to check and once to send.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gimmal_batch::WorkItem;
use gimmal_batch::input::PromptReader;
use gimmal_batch::output::Earlier;
use serde_json::{Map, Value};

use crate::exit::Failure;

/// A prompt; its context is its place in the input and the other members of its line.
pub(super) type PlacedItem = WorkItem<String, (u64, Map<String, Value>)>;

type Reader = PromptReader<Box<dyn BufRead + Send>>;

/// Where the prompts come from.
pub(super) enum Prompts {
    File(PathBuf),
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
}

impl Prompts {
    /// `-` is standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if !super::is_stdio(path) {
            return Ok(Self::File(path.to_owned()));
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        Ok(Self::Memory(bytes.into()))
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory(_) => "standard input".to_owned(),
        }
    }

    fn read(&self) -> anyhow::Result<Reader> {
        Ok(PromptReader::new(match self {
            Self::File(path) => {
                let file = File::open(path).map_err(|error| self.unreadable(&error))?;
                Box::new(BufReader::new(file))
            }
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        }))
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
        for line in bad.iter().take(SHOWN) {
            writeln!(std::io::stderr(), "{name}:{}: {}", line.line, line.reason)?;
        }
        if bad.len() > SHOWN {
            writeln!(std::io::stderr(), "and {} more", bad.len() - SHOWN)?;
        }
        if !bad.is_empty() && !skip_invalid {
            let lines = if bad.len() == 1 {
                "1 line"
            } else {
                &format!("{} lines", bad.len())
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
