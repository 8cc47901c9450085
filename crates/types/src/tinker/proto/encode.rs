//! Writes requests of `forward_backward`: straight from the data into one buffer.
//!
//! Sizes come first, so that the buffer is allocated once and nothing is moved: each token and
//! each float is written a single time. The bytes are those that the generated messages would
//! encode to.

use prost::encoding::{encode_varint, encoded_len_varint};

use super::numbers::Number;
use crate::tinker::datum::Datum;
use crate::tinker::forward_backward::{check_config, check_data, check_loss};
use crate::tinker::{
    ForwardBackwardRequest, ForwardRequest, InvalidInput, LossConfigValue, LossFnConfig,
    LossFnType, ModelInputChunk, ProvenanceSpan, TensorData, TensorValues,
};

/// The wire types of the format.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const DELIMITED: u32 = 2;

/// The numbers that the messages give to the types of tensors.
const FLOAT32: u64 = 1;
const INT64: u64 = 2;

/// What a request of `forward_backward` holds, borrowed from where it lies.
///
/// ```
/// use gimmal_types::tinker::proto::ForwardBackwardBody;
/// use gimmal_types::tinker::{Datum, LossFnType, ModelInput};
///
/// let data = [Datum::new(ModelInput::from_ints([1, 2]))];
/// let body = ForwardBackwardBody::new("run", 1, &data, &LossFnType::CrossEntropy);
/// assert_eq!(body.encode()?.len(), body.encoded_len());
/// # Ok::<(), gimmal_types::tinker::InvalidInput>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ForwardBackwardBody<'a> {
    model_id: &'a str,
    seq_id: u64,
    data: &'a [Datum],
    loss_fn: &'a LossFnType,
    loss_fn_config: Option<&'a LossFnConfig>,
    forward_only: bool,
}

impl<'a> ForwardBackwardBody<'a> {
    /// A pass forward and backward; `seq_id` is its place among the requests of the model.
    pub fn new(model_id: &'a str, seq_id: u64, data: &'a [Datum], loss_fn: &'a LossFnType) -> Self {
        Self {
            model_id,
            seq_id,
            data,
            loss_fn,
            loss_fn_config: None,
            forward_only: false,
        }
    }

    /// Adds the settings of the loss.
    pub fn with_config(mut self, config: Option<&'a LossFnConfig>) -> Self {
        self.loss_fn_config = config;
        self
    }

    /// Leaves the backward pass out.
    pub fn forward_only(mut self) -> Self {
        self.forward_only = true;
        self
    }

    /// How many bytes it becomes.
    pub fn encoded_len(&self) -> usize {
        let name = self.loss_fn.name();
        text_len(1, self.model_id)
            + varint_len(2, self.seq_id)
            + self
                .data
                .iter()
                .map(|datum| nested_len(3, datum_len(datum)))
                .sum::<usize>()
            + text_len(4, &name)
            + self
                .config()
                .map(|(name, value)| first_config_len(name, value))
                .sum::<usize>()
            + varint_len(6, u64::from(self.forward_only))
            + self
                .config()
                .map(|(name, value)| nested_len(7, config_len(name, value)))
                .sum::<usize>()
    }

    /// The encoded message.
    ///
    /// # Errors
    ///
    /// Fails with the field at fault when the service could not take it: no data, a loss it does
    /// not have, numbers that are not finite, chunks it does not train on.
    pub fn encode(&self) -> Result<Vec<u8>, InvalidInput> {
        check_loss(self.loss_fn)?;
        self.loss_fn_config.map_or(Ok(()), check_config)?;
        check_data(self.data)?;
        if i32::try_from(self.seq_id).is_err() {
            return Err(InvalidInput::new("seq_id", "must be below 2,147,483,648"));
        }
        let mut out = Vec::with_capacity(self.encoded_len());
        text(1, self.model_id, &mut out);
        varint(2, self.seq_id, &mut out);
        for datum in self.data {
            head(3, datum_len(datum), &mut out);
            write_datum(datum, &mut out);
        }
        text(4, &self.loss_fn.name(), &mut out);
        for (name, value) in self.config() {
            if let LossConfigValue::Number(number) = value {
                head(5, first_entry_len(name, *number), &mut out);
                text(1, name, &mut out);
                if number.to_bits() != 0 {
                    fixed64(2, *number, &mut out);
                }
            }
        }
        varint(6, u64::from(self.forward_only), &mut out);
        for (name, value) in self.config() {
            head(7, config_len(name, value), &mut out);
            text(1, name, &mut out);
            head(2, value_len(value), &mut out);
            match value {
                LossConfigValue::Number(number) => fixed64(1, *number, &mut out),
                LossConfigValue::Text(said) => raw(2, said.as_bytes(), &mut out),
            }
        }
        Ok(out)
    }

    fn config(&self) -> impl Iterator<Item = (&'a String, &'a LossConfigValue)> + use<'a> {
        self.loss_fn_config.into_iter().flatten()
    }
}

impl<'a> From<&'a ForwardBackwardRequest> for ForwardBackwardBody<'a> {
    fn from(request: &'a ForwardBackwardRequest) -> Self {
        let input = &request.forward_backward_input;
        let seq_id = request.seq_id.unwrap_or_default();
        Self::new(&request.model_id, seq_id, &input.data, &input.loss_fn)
            .with_config(input.loss_fn_config.as_ref())
    }
}

impl<'a> From<&'a ForwardRequest> for ForwardBackwardBody<'a> {
    fn from(request: &'a ForwardRequest) -> Self {
        let input = &request.forward_input;
        let seq_id = request.seq_id.unwrap_or_default();
        Self::new(&request.model_id, seq_id, &input.data, &input.loss_fn)
            .with_config(input.loss_fn_config.as_ref())
            .forward_only()
    }
}

/// Refuses a chunk that these messages cannot hold.
pub(in crate::tinker) fn check_chunk(chunk: &ModelInputChunk) -> Result<(), InvalidInput> {
    match chunk {
        ModelInputChunk::EncodedText(chunk) => {
            let largest = chunk.tokens.iter().copied().fold(0, u32::max);
            match i32::try_from(largest) {
                Ok(_) => Ok(()),
                Err(_) => Err(InvalidInput::new("tokens", "must lie below 2,147,483,648")),
            }
        }
        ModelInputChunk::Image(chunk) => match chunk.expected_tokens.map(i32::try_from) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(_)) => Err(InvalidInput::new("expected_tokens", "is too large")),
        },
        ModelInputChunk::Dmel(_) => Ok(()),
        ModelInputChunk::ImageAssetPointer(_) => Err(InvalidInput::new(
            "type",
            "is image_asset_pointer, which cannot be trained on; give the image itself",
        )),
        ModelInputChunk::Unknown(_) => {
            Err(InvalidInput::new("type", "is no kind of chunk known here"))
        }
    }
}

fn datum_len(datum: &Datum) -> usize {
    let chunks = datum.model_input.chunks.iter();
    let chunks = chunks.map(|chunk| nested_len(1, chunk_len(chunk)));
    let inputs = datum.loss_fn_inputs.iter();
    let inputs = inputs.map(|(name, tensor)| nested_len(2, input_len(name, tensor)));
    let lists = [
        (3, &datum.model_input_spans),
        (4, &datum.loss_fn_input_spans),
    ];
    let spans = lists.into_iter().flat_map(|(field, spans)| {
        let spans = spans.iter().flatten();
        spans.map(move |span| nested_len(field, nested_len(1, span_len(span))))
    });
    chunks.chain(inputs).chain(spans).sum()
}

fn write_datum(datum: &Datum, out: &mut Vec<u8>) {
    for chunk in &datum.model_input.chunks {
        head(1, chunk_len(chunk), out);
        write_chunk(chunk, out);
    }
    for (name, tensor) in &datum.loss_fn_inputs {
        head(2, input_len(name, tensor), out);
        text(1, name, out);
        head(2, tensor_len(tensor), out);
        write_tensor(tensor, out);
    }
    for (field, spans) in [
        (3, &datum.model_input_spans),
        (4, &datum.loss_fn_input_spans),
    ] {
        for span in spans.iter().flatten() {
            head(field, nested_len(1, span_len(span)), out);
            let arm = match span {
                ProvenanceSpan::PromptTokens(_) => 1,
                ProvenanceSpan::SampledTokens(_) => 2,
            };
            head(arm, span_len(span), out);
            text(1, span.sequence_id(), out);
            varint(2, span.offset(), out);
            varint(3, span.length(), out);
        }
    }
}

fn chunk_len(chunk: &ModelInputChunk) -> usize {
    nested_len(1, chunk_body_len(chunk))
}

fn chunk_body_len(chunk: &ModelInputChunk) -> usize {
    match chunk {
        ModelInputChunk::EncodedText(chunk) => bytes_len(1, size_of_val(chunk.tokens.as_slice())),
        ModelInputChunk::Image(chunk) => {
            let expected = chunk.expected_tokens.map(u64::from);
            bytes_len(1, chunk.data.as_bytes().len())
                + text_len(2, &chunk.format.name())
                + expected.map_or(0, |tokens| key_len(3) + encoded_len_varint(tokens))
        }
        ModelInputChunk::Dmel(chunk) => bytes_len(1, chunk.dmel.as_bytes().len()),
        // Refused before anything is written.
        ModelInputChunk::ImageAssetPointer(_) | ModelInputChunk::Unknown(_) => 0,
    }
}

fn write_chunk(chunk: &ModelInputChunk, out: &mut Vec<u8>) {
    let arm = match chunk {
        ModelInputChunk::EncodedText(_) => 1,
        ModelInputChunk::Image(_) => 2,
        _ => 3,
    };
    head(arm, chunk_body_len(chunk), out);
    match chunk {
        ModelInputChunk::EncodedText(chunk) => array(1, &chunk.tokens, out),
        ModelInputChunk::Image(chunk) => {
            bytes(1, chunk.data.as_bytes(), out);
            text(2, &chunk.format.name(), out);
            if let Some(tokens) = chunk.expected_tokens {
                key(3, VARINT, out);
                encode_varint(u64::from(tokens), out);
            }
        }
        ModelInputChunk::Dmel(chunk) => bytes(1, chunk.dmel.as_bytes(), out),
        ModelInputChunk::ImageAssetPointer(_) | ModelInputChunk::Unknown(_) => {}
    }
}

fn input_len(name: &str, tensor: &TensorData) -> usize {
    text_len(1, name) + nested_len(2, tensor_len(tensor))
}

fn tensor_len(tensor: &TensorData) -> usize {
    let numbers = match tensor.is_sparse() {
        // An arm of a choice is written even when it is empty.
        false => nested_len(1, tensor.data().byte_len()),
        true => nested_len(2, sparse_len(tensor)),
    };
    let shape = shape_len(tensor);
    let shape = if shape == 0 { 0 } else { nested_len(4, shape) };
    numbers + varint_len(3, dtype(tensor)) + shape
}

fn sparse_len(tensor: &TensorData) -> usize {
    let list = |list: Option<&[i64]>| list.map_or(0, size_of_val);
    bytes_len(1, tensor.data().byte_len())
        + bytes_len(2, list(tensor.sparse_crow_indices()))
        + bytes_len(3, list(tensor.sparse_col_indices()))
}

fn write_tensor(tensor: &TensorData, out: &mut Vec<u8>) {
    if tensor.is_sparse() {
        head(2, sparse_len(tensor), out);
        match tensor.data() {
            TensorValues::Float32(values) => array(1, values, out),
            TensorValues::Int64(values) => array(1, values, out),
        }
        array(2, tensor.sparse_crow_indices().unwrap_or_default(), out);
        array(3, tensor.sparse_col_indices().unwrap_or_default(), out);
    } else {
        head(1, tensor.data().byte_len(), out);
        match tensor.data() {
            TensorValues::Float32(values) => f32::write(values, out),
            TensorValues::Int64(values) => i64::write(values, out),
        }
    }
    varint(3, dtype(tensor), out);
    let shape = shape_len(tensor);
    if shape > 0 {
        head(4, shape, out);
        for dimension in dimensions(tensor) {
            encode_varint(dimension, out);
        }
    }
}

fn dtype(tensor: &TensorData) -> u64 {
    match tensor.data() {
        TensorValues::Float32(_) => FLOAT32,
        TensorValues::Int64(_) => INT64,
    }
}

fn shape_len(tensor: &TensorData) -> usize {
    dimensions(tensor).map(encoded_len_varint).sum()
}

fn dimensions(tensor: &TensorData) -> impl Iterator<Item = u64> {
    let shape = tensor.shape().unwrap_or_default();
    shape.iter().map(|dimension| dimension.cast_unsigned())
}

fn span_len(span: &ProvenanceSpan) -> usize {
    text_len(1, span.sequence_id()) + varint_len(2, span.offset()) + varint_len(3, span.length())
}

/// A setting in the older of the two maps, which holds numbers only.
fn first_config_len(name: &str, value: &LossConfigValue) -> usize {
    match value {
        LossConfigValue::Number(number) => nested_len(5, first_entry_len(name, *number)),
        LossConfigValue::Text(_) => 0,
    }
}

fn first_entry_len(name: &str, number: f64) -> usize {
    let written = number.to_bits() != 0;
    text_len(1, name)
        + if written {
            key_len(2) + size_of::<f64>()
        } else {
            0
        }
}

fn config_len(name: &str, value: &LossConfigValue) -> usize {
    text_len(1, name) + nested_len(2, value_len(value))
}

fn value_len(value: &LossConfigValue) -> usize {
    match value {
        LossConfigValue::Number(_) => key_len(1) + size_of::<f64>(),
        LossConfigValue::Text(said) => nested_len(2, said.len()),
    }
}

// The parts of the format. Fields that hold their default are left out, except arms of a choice.

fn key_len(field: u32) -> usize {
    encoded_len_varint(u64::from(field << 3))
}

fn nested_len(field: u32, len: usize) -> usize {
    key_len(field) + encoded_len_varint(len as u64) + len
}

fn bytes_len(field: u32, len: usize) -> usize {
    if len == 0 { 0 } else { nested_len(field, len) }
}

fn text_len(field: u32, text: &str) -> usize {
    bytes_len(field, text.len())
}

fn varint_len(field: u32, value: u64) -> usize {
    if value == 0 {
        0
    } else {
        key_len(field) + encoded_len_varint(value)
    }
}

fn key(field: u32, wire_type: u32, out: &mut Vec<u8>) {
    encode_varint(u64::from(field << 3 | wire_type), out);
}

fn head(field: u32, len: usize, out: &mut Vec<u8>) {
    key(field, DELIMITED, out);
    encode_varint(len as u64, out);
}

fn raw(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    head(field, bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        raw(field, bytes, out);
    }
}

fn text(field: u32, text: &str, out: &mut Vec<u8>) {
    bytes(field, text.as_bytes(), out);
}

fn array<T: Number>(field: u32, numbers: &[T], out: &mut Vec<u8>) {
    if !numbers.is_empty() {
        head(field, size_of_val(numbers), out);
        T::write(numbers, out);
    }
}

fn varint(field: u32, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        key(field, VARINT, out);
        encode_varint(value, out);
    }
}

fn fixed64(field: u32, value: f64, out: &mut Vec<u8>) {
    key(field, FIXED64, out);
    out.extend_from_slice(&value.to_le_bytes());
}
