//! Reads results that come as protocol buffers.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::messages::{self, DType, tensor};
use super::numbers::{read, read_tokens, widen};
use super::{FutureResult, InvalidReply};
use crate::tinker::{
    ForwardBackwardOutput, LossFnOutput, PromptAltTokens, SampleResponse, SampledSequence,
    StopReason, TensorData, TensorValues, TopkLogprobs,
};

/// What outputs are called that say nothing about themselves.
const PLAIN_OUTPUT: &str = "ArrayRecord";

impl FutureResult for ForwardBackwardOutput {
    const IS_PROTOBUF: bool = true;

    fn from_protobuf(body: Bytes) -> Result<Self, InvalidReply> {
        let message = messages::ForwardBackwardOutput::decode(body).map_err(InvalidReply::of)?;
        let kind = match message.loss_fn_output_type.as_str() {
            "" => PLAIN_OUTPUT,
            // Without outputs the server's own name stays.
            path if message.loss_fn_outputs.is_empty() => path,
            path => path.rsplit(':').next().unwrap_or(path),
        };
        let mut outputs = Vec::new();
        for record in &message.loss_fn_outputs {
            read_record(record, &mut outputs)?;
        }
        let mut output = Self::new().set_loss_fn_output_type(kind);
        output.loss_fn_outputs = outputs;
        output.metrics = message.metrics;
        Ok(output)
    }
}

impl FutureResult for SampleResponse {
    const IS_PROTOBUF: bool = true;

    fn from_protobuf(body: Bytes) -> Result<Self, InvalidReply> {
        let message = messages::SampleResponse::decode(body).map_err(InvalidReply::of)?;
        let sequences = message.sequences.iter().map(read_sequence);
        let mut response = Self::new(sequences.collect::<Result<Vec<_>, _>>()?);
        if let Some(bytes) = message.prompt_logprobs.filter(|bytes| !bytes.is_empty()) {
            // What is no number was not computed.
            let numbers = read::<f32>("prompt_logprobs", &bytes)?.into_iter();
            let known = numbers.map(|number| Some(number).filter(|number| !number.is_nan()));
            response.prompt_logprobs = Some(known.collect());
        }
        response.topk_prompt_logprobs = read_topk(message.topk_prompt_logprobs.as_ref())?;
        response.target_prompt_logprobs = message
            .target_prompt_logprobs
            .as_ref()
            .map(read_tensor)
            .transpose()?;
        response.prompt_cache_hit_tokens =
            u64::try_from(message.prompt_cache_hit_tokens).unwrap_or_default();
        if let Some(drawn) = message.prompt_alt_tokens {
            let part = |tensor: Option<messages::Tensor>| read_tensor(&tensor.unwrap_or_default());
            let (tokens, logprobs) = (part(drawn.tokens)?, part(drawn.logprobs)?);
            response.prompt_alt_tokens = Some(PromptAltTokens::new(tokens, logprobs));
        }
        Ok(response)
    }
}

fn read_sequence(message: &messages::SampledSequence) -> Result<SampledSequence, InvalidReply> {
    let stop_reason = match messages::StopReason::try_from(message.stop_reason) {
        Ok(messages::StopReason::Stop) => StopReason::Stop,
        Ok(messages::StopReason::Length) => StopReason::Length,
        Err(_) => return Err(InvalidReply::new("`stop_reason` is not known")),
    };
    let mut sequence = SampledSequence::new(read_tokens("tokens", &message.tokens)?, stop_reason);
    if let Some(bytes) = message.logprobs.as_ref().filter(|bytes| !bytes.is_empty()) {
        sequence.logprobs = Some(read("logprobs", bytes)?);
    }
    sequence.topk_logprobs = read_topk(message.topk_sampled_logprobs.as_ref())?;
    Ok(sequence)
}

fn read_topk(
    message: Option<&messages::TopkLogprobs>,
) -> Result<Option<TopkLogprobs>, InvalidReply> {
    let Some(message) = message.filter(|message| message.k > 0 && message.length > 0) else {
        return Ok(None);
    };
    let tokens = read_tokens("token_ids", &message.token_ids)?;
    let logprobs = read("logprobs", &message.logprobs)?;
    if tokens.len() as u64 != u64::from(message.k) * u64::from(message.length) {
        return Err(InvalidReply::new("`token_ids` are not k by length"));
    }
    let k = usize::try_from(message.k).map_err(InvalidReply::of)?;
    TopkLogprobs::new(tokens, logprobs, k)
        .map(Some)
        .map_err(InvalidReply::of)
}

fn read_tensor(message: &messages::Tensor) -> Result<TensorData, InvalidReply> {
    let (bytes, indices) = match &message.encoding {
        None => (Bytes::new(), None),
        Some(tensor::Encoding::Dense(bytes)) => (bytes.clone(), None),
        Some(tensor::Encoding::SparseCsr(sparse)) => {
            let crow = read("crow_indices", &sparse.crow_indices)?;
            let col = read("col_indices", &sparse.col_indices)?;
            (sparse.values.clone(), Some((crow, col)))
        }
    };
    let values = read_values(message.dtype, &bytes)?;
    let shape = Some(message.shape.clone()).filter(|shape| !shape.is_empty());
    TensorData::from_parts(values, shape, indices).map_err(InvalidReply::of)
}

fn read_values(dtype: i32, bytes: &[u8]) -> Result<TensorValues, InvalidReply> {
    Ok(match DType::try_from(dtype) {
        Ok(DType::DtypeFloat32) => read::<f32>("data", bytes)?.into(),
        Ok(DType::DtypeInt64) => read::<i64>("data", bytes)?.into(),
        Ok(DType::DtypeInt32) => {
            let narrow = read::<i32>("data", bytes)?;
            narrow.into_iter().map(i64::from).collect::<Vec<_>>().into()
        }
        Ok(DType::DtypeBfloat16) => widen(&read::<u16>("data", bytes)?).into(),
        Ok(DType::DtypeUnspecified) | Err(_) => {
            return Err(InvalidReply::new(format!("`dtype` {dtype} is not known")));
        }
    })
}

/// How many bytes a number takes on the wire.
fn item_size(dtype: i32) -> usize {
    match DType::try_from(dtype) {
        Ok(DType::DtypeInt64) => 8,
        Ok(DType::DtypeBfloat16) => 2,
        _ => 4,
    }
}

/// Appends the outputs of the datums that a record speaks of.
fn read_record(
    record: &messages::ArrayRecord,
    outputs: &mut Vec<LossFnOutput>,
) -> Result<(), InvalidReply> {
    let first = outputs.len();
    let told = usize::try_from(record.num_datums).map_err(InvalidReply::of)?;
    for (name, field) in &record.fields {
        let tensors = read_batch(name, field)?;
        if told > 0 && tensors.len() != told {
            return Err(InvalidReply::new(format!(
                "`{name}` is not there for each datum"
            )));
        }
        // A record that does not count its datums has as many as its fields.
        let count = first + tensors.len();
        if outputs.len() < count {
            outputs.resize_with(count, BTreeMap::new);
        } else if outputs.len() > count {
            return Err(InvalidReply::new(format!(
                "`{name}` is not there for each datum"
            )));
        }
        for (output, tensor) in outputs[first..].iter_mut().zip(tensors) {
            output.insert(name.clone(), tensor);
        }
    }
    if record.fields.is_empty() {
        // The count is all there is; a reply that counts without end is not believed.
        if told > MAX_DATUMS {
            return Err(InvalidReply::new("`num_datums` is too large"));
        }
        outputs.resize_with(first + told, BTreeMap::new);
    }
    Ok(())
}

/// A pass of more datums than this is none.
const MAX_DATUMS: usize = 16 << 20;

fn read_batch(
    name: &str,
    field: &messages::BatchedTensor,
) -> Result<Vec<TensorData>, InvalidReply> {
    let damaged = || InvalidReply::new(format!("the parts of `{name}` do not fit together"));
    let offsets = read::<i64>("offsets", &field.offsets)?;
    let size = item_size(field.dtype);
    let inner = field
        .trailing_shape
        .iter()
        .try_fold(1_usize, |total, &dimension| {
            total.checked_mul(usize::try_from(dimension).ok()?)
        });
    let inner = inner.ok_or_else(damaged)?;
    let mut tensors = Vec::with_capacity(offsets.len().saturating_sub(1));
    for ends in offsets.windows(2) {
        let [start, end] = [ends[0], ends[1]].map(usize::try_from);
        let range = start.map_err(|_| damaged())?..end.map_err(|_| damaged())?;
        let bytes = field.data.get(range).ok_or_else(damaged)?;
        let count = bytes.len() / size;
        let outer = count.checked_div(inner).unwrap_or(0);
        let mut shape = vec![i64::try_from(outer).map_err(InvalidReply::of)?];
        shape.extend(&field.trailing_shape);
        let values = read_values(field.dtype, bytes)?;
        let tensor = TensorData::from_parts(values, Some(shape), None);
        tensors.push(tensor.map_err(|_| damaged())?);
    }
    Ok(tensors)
}
