//! A state of training as named arrays, and as safetensors files: one for the weights and one for the
//! state of the optimiser. A file is checked whole before anything of it is used.

use std::{borrow::Cow, collections::BTreeMap};

use safetensors::{Dtype, SafeTensors, View};
use serde_json::{Map, Value};

use super::Problem;

/// Numbers with a shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: super::Values,
}

/// Named arrays and a few words about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) arrays: BTreeMap<String, Array>,
    /// What only an optimiser needs to go on.
    pub(crate) optimizer: BTreeMap<String, Array>,
    pub(crate) notes: BTreeMap<String, String>,
    /// What `adapter_config.json` says of the adapter, beside what is known of every one. Other
    /// tools need it; no engine does.
    pub(crate) config: Map<String, Value>,
}

impl Array {
    pub(crate) fn floats(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self {
            shape,
            values: super::Values::F32(values),
        }
    }

    pub(crate) fn integers(values: Vec<i64>) -> Self {
        Self {
            shape: vec![values.len()],
            values: super::Values::I64(values),
        }
    }
}

impl Snapshot {
    /// The file of the weights.
    pub(crate) fn weights_file(&self) -> Result<Vec<u8>, Problem> {
        let notes = self.notes.clone().into_iter().collect();
        safetensors::serialize(self.arrays.iter(), Some(notes)).map_err(unwritten)
    }

    /// The file of the optimiser's state.
    pub(crate) fn optimizer_file(&self) -> Result<Vec<u8>, Problem> {
        safetensors::serialize(self.optimizer.iter(), None).map_err(unwritten)
    }

    /// What files hold.
    pub(crate) fn from_files(weights: &[u8], optimizer: Option<&[u8]>) -> Result<Self, Problem> {
        let mut snapshot = Self::read(weights)?;
        if let Some(optimizer) = optimizer {
            snapshot.optimizer = Self::read(optimizer)?.arrays;
        }
        Ok(snapshot)
    }

    /// The arrays and notes of one file.
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let foreign = |why: String| Problem::user(format!("the checkpoint cannot be read: {why}"));
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| foreign(error.to_string()))?;
        let tensors =
            SafeTensors::deserialize(bytes).map_err(|error| foreign(error.to_string()))?;
        let mut arrays = BTreeMap::new();
        for (name, tensor) in tensors.iter() {
            let data = tensor.data();
            let values = match tensor.dtype() {
                Dtype::F32 => {
                    let values = data.as_chunks().0.iter();
                    super::Values::F32(values.map(|b| f32::from_le_bytes(*b)).collect())
                }
                Dtype::I64 => {
                    let values = data.as_chunks().0.iter();
                    super::Values::I64(values.map(|b| i64::from_le_bytes(*b)).collect())
                }
                other => return Err(foreign(format!("{name} is of type {other:?}"))),
            };
            let shape = tensor.shape().to_vec();
            arrays.insert(name.to_owned(), Array { shape, values });
        }
        let notes = metadata.metadata().clone().unwrap_or_default();
        Ok(Self {
            arrays,
            notes: notes.into_iter().collect(),
            ..Self::default()
        })
    }

    fn find(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name).or_else(|| self.optimizer.get(name))
    }

    /// A float array of this many columns.
    pub(crate) fn rows(&self, name: &str, columns: usize) -> Result<&[f32], Problem> {
        match self.find(name) {
            Some(Array {
                shape,
                values: super::Values::F32(values),
            }) if shape.last() == Some(&columns) => Ok(values),
            Some(array) => Err(Problem::user(format!(
                "the checkpoint's {name} has shape {:?}, but {columns} columns are needed",
                array.shape
            ))),
            None => Err(Problem::user(format!("the checkpoint has no {name}"))),
        }
    }

    /// An integer array.
    pub(crate) fn numbers(&self, name: &str) -> Result<&[i64], Problem> {
        match self.find(name) {
            Some(Array {
                values: super::Values::I64(values),
                ..
            }) => Ok(values),
            _ => Err(Problem::user(format!(
                "the checkpoint has no whole numbers {name}"
            ))),
        }
    }
}

fn unwritten(error: safetensors::SafeTensorError) -> Problem {
    Problem::server(format!("the weights cannot be written: {error}"))
}

impl View for &Array {
    fn dtype(&self) -> Dtype {
        match self.values {
            super::Values::F32(_) => Dtype::F32,
            super::Values::I64(_) => Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let bytes: Vec<u8> = match &self.values {
            super::Values::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            super::Values::I64(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        match &self.values {
            super::Values::F32(values) => values.len() * 4,
            super::Values::I64(values) => values.len() * 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_back_what_was_put_in() {
        let mut snapshot = Snapshot::default();
        let row = Array::floats(vec![2, 2], vec![1.0, -2.5, 0.0, f32::MIN_POSITIVE]);
        snapshot.arrays.insert("a".to_owned(), row);
        snapshot
            .optimizer
            .insert("b".to_owned(), Array::integers(vec![i64::MIN, 7]));
        snapshot.notes.insert("step".to_owned(), "3".to_owned());
        let bytes = snapshot.weights_file().expect("a file");
        let optimizer = snapshot.optimizer_file().expect("a file");
        let read = Snapshot::from_files(&bytes, Some(&optimizer)).expect("read");
        assert_eq!(read, snapshot);
        let without = Snapshot::from_files(&bytes, None).expect("read");
        assert_eq!(
            (&without.arrays, without.optimizer.len()),
            (&snapshot.arrays, 0)
        );
        for broken in [
            &bytes[..bytes.len() - 1],
            b"",
            b"\xff\xff\xff\xff\xff\xff\xff\xff{}",
        ] {
            for files in [(broken, None), (bytes.as_slice(), Some(broken))] {
                let problem = Snapshot::from_files(files.0, files.1).expect_err("refused");
                assert!(problem.by_user);
            }
        }
        assert!(snapshot.rows("a", 3).is_err() && snapshot.numbers("a").is_err());
    }
}
