//! Between the wire's tensors and texts and the engine's. Checks what it reads; computes nothing.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gimmal_types::tinker::proto::messages::{
    self as proto, DType, StopReason, chunk::Chunk as ChunkKind,
    loss_config_value::Value as Config, provenance_span::Span, tensor::Encoding,
};

use crate::rng;

use super::{
    engine::{Datum, Passed, Problem, Sampled, Sequence, Setting, Tensor, TopK, Values},
    refusal::Refusal,
    requests::{Chunk, JsonTensor, ModelInput},
};

/// How many tokens stand for a picture or a sound that does not say how many it is.
const TOKENS_OF_MEDIA: usize = 16;

/// The examples of a request.
pub(crate) fn data(request: &[proto::Datum], vocabulary: u32) -> Result<Vec<Datum>, Problem> {
    let named = |at: usize| {
        move |problem: Problem| Problem::user(format!("data[{at}]: {}", problem.message))
    };
    let one = |(at, one): (usize, &proto::Datum)| datum(one, vocabulary).map_err(named(at));
    request.iter().enumerate().map(one).collect()
}

fn datum(datum: &proto::Datum, vocabulary: u32) -> Result<Datum, Problem> {
    let mut tokens = Vec::new();
    for chunk in &datum.model_input {
        match &chunk.chunk {
            Some(ChunkKind::EncodedText(text)) => {
                let values = numbers::<4>(&text.tokens, "tokens")?;
                tokens.extend(values.map(i32::from_le_bytes));
            }
            Some(ChunkKind::Image(image)) => {
                let count = image.expected_tokens.and_then(|n| usize::try_from(n).ok());
                tokens.extend(media(&image.data, count, vocabulary));
            }
            Some(ChunkKind::Dmel(sound)) => tokens.extend(media(&sound.dmel, None, vocabulary)),
            None => return Err(Problem::user("model_input has a chunk of no known kind")),
        }
    }
    let mut inputs = BTreeMap::new();
    for (name, value) in &datum.loss_fn_inputs {
        let value = tensor(value)
            .map_err(|problem| Problem::user(format!("{name}: {}", problem.message)))?;
        inputs.insert(name.clone(), value);
    }
    let spans = [
        ("model_input_spans", &datum.model_input_spans, tokens.len()),
        (
            "loss_fn_input_spans",
            &datum.loss_fn_input_spans,
            inputs.get("target_tokens").map_or(0, |t| t.shape[0]),
        ),
    ];
    for (name, spans, len) in spans {
        check_spans(name, spans, len)?;
    }
    Ok(Datum { tokens, inputs })
}

fn check_spans(name: &str, spans: &[proto::ProvenanceSpan], len: usize) -> Result<(), Problem> {
    if spans.is_empty() {
        return Ok(());
    }
    let mut sum = 0;
    for span in spans {
        let (sequence, offset, length) = match &span.span {
            Some(Span::PromptTokens(span)) => (&span.sequence_id, span.offset, span.length),
            Some(Span::SampledTokens(span)) => (&span.sequence_id, span.offset, span.length),
            None => return Err(Problem::user(format!("{name} has a span of no known kind"))),
        };
        match usize::try_from(length) {
            Ok(length) if offset >= 0 && !sequence.is_empty() => sum += length,
            _ => return Err(Problem::user(format!("{name} has a span without a place"))),
        }
    }
    if sum == len {
        Ok(())
    } else {
        Err(Problem::user(format!("{name} cover {sum} places of {len}")))
    }
}

/// A tensor from its wire form; what a sparse one does not list is zero.
fn tensor(tensor: &proto::Tensor) -> Result<Tensor, Problem> {
    let shape: Option<Vec<usize>> = tensor
        .shape
        .iter()
        .map(|d| usize::try_from(*d).ok())
        .collect();
    let shape = shape.ok_or_else(|| Problem::user("a dimension is negative"))?;
    let values = |bytes: &Bytes| match DType::try_from(tensor.dtype) {
        Ok(DType::DtypeFloat32) => {
            let values = numbers::<4>(bytes, "values")?.map(f32::from_le_bytes);
            Ok(Values::F32(values.collect()))
        }
        Ok(DType::DtypeInt64) => {
            let values = numbers::<8>(bytes, "values")?.map(i64::from_le_bytes);
            Ok(Values::I64(values.collect()))
        }
        _ => Err(Problem::user("the dtype must be float32 or int64")),
    };
    match &tensor.encoding {
        Some(Encoding::Dense(bytes)) => Tensor::new(shape, values(bytes)?),
        Some(Encoding::SparseCsr(sparse)) => {
            let crow: Vec<i64> = numbers::<8>(&sparse.crow_indices, "crow_indices")?
                .map(i64::from_le_bytes)
                .collect();
            let col: Vec<i64> = numbers::<8>(&sparse.col_indices, "col_indices")?
                .map(i64::from_le_bytes)
                .collect();
            densify(shape, &values(&sparse.values)?, &crow, &col)
        }
        None => Tensor::new(shape, values(&Bytes::new())?),
    }
}

fn densify(
    shape: Vec<usize>,
    values: &Values,
    crow: &[i64],
    col: &[i64],
) -> Result<Tensor, Problem> {
    let broken = || Problem::user("the sparse indices do not fit the shape");
    let [rows, columns] = *shape.as_slice() else {
        return Err(Problem::user("a sparse tensor must have two dimensions"));
    };
    let fits = crow.len() == rows + 1
        && col.len() == values.len()
        && crow.first() == Some(&0)
        && crow.last().and_then(|n| usize::try_from(*n).ok()) == Some(col.len())
        && crow.is_sorted();
    if !fits {
        return Err(broken());
    }
    let len = rows.checked_mul(columns).ok_or_else(broken)?;
    let mut places = Vec::with_capacity(col.len());
    for row in 0..rows {
        for at in crow[row]..crow[row + 1] {
            let column = usize::try_from(col[at as usize]).map_err(|_| broken())?;
            if column >= columns {
                return Err(broken());
            }
            places.push(row * columns + column);
        }
    }
    let values = match values {
        Values::F32(values) => {
            let mut dense = vec![0.0; len];
            places
                .iter()
                .zip(values)
                .for_each(|(at, v)| dense[*at] = *v);
            Values::F32(dense)
        }
        Values::I64(values) => {
            let mut dense = vec![0; len];
            places
                .iter()
                .zip(values)
                .for_each(|(at, v)| dense[*at] = *v);
            Values::I64(dense)
        }
    };
    Tensor::new(shape, values)
}

/// Fixed-size pieces of `bytes`; nothing may be left over.
fn numbers<'a, const N: usize>(
    bytes: &'a Bytes,
    name: &str,
) -> Result<impl Iterator<Item = [u8; N]> + use<'a, N>, Problem> {
    let (pieces, rest) = bytes.as_chunks::<N>();
    if rest.is_empty() {
        Ok(pieces.iter().copied())
    } else {
        Err(Problem::user(format!(
            "{name} are no whole number of {N} bytes"
        )))
    }
}

/// Tokens that stand for a picture or a sound: the same for the same one.
fn media(bytes: &[u8], count: Option<usize>, vocabulary: u32) -> impl Iterator<Item = i32> {
    let sum = bytes
        .iter()
        .fold(rng::mix(bytes.len() as u64), |sum, byte| {
            rng::mix(sum ^ u64::from(*byte))
        });
    let token = move |at: usize| (rng::mix(sum ^ at as u64) % u64::from(vocabulary)) as i32;
    (0..count.unwrap_or(TOKENS_OF_MEDIA)).map(token)
}

/// The tokens of a prompt.
pub(crate) fn prompt(input: &ModelInput, vocabulary: u32) -> Result<Vec<i32>, Refusal> {
    let mut tokens = Vec::new();
    for chunk in &input.chunks {
        let decoded = |data: &str| {
            let bytes = STANDARD.decode(data);
            bytes.map_err(|error| Refusal::invalid("prompt", format!("no base64: {error}")))
        };
        match chunk {
            Chunk::EncodedText { tokens: text } => tokens.extend(text),
            Chunk::Image {
                data,
                expected_tokens,
                ..
            } => {
                tokens.extend(media(&decoded(data)?, *expected_tokens, vocabulary));
            }
            Chunk::ImageAssetPointer {
                location,
                expected_tokens,
                ..
            } => {
                tokens.extend(media(location.as_bytes(), *expected_tokens, vocabulary));
            }
            Chunk::Dmel { dmel } => tokens.extend(media(&decoded(dmel)?, None, vocabulary)),
        }
    }
    Ok(tokens)
}

/// A tensor from JSON.
pub(crate) fn json_tensor(tensor: &JsonTensor) -> Result<Tensor, Problem> {
    let values = match tensor.dtype.as_str() {
        "float32" => Values::F32(tensor.data.iter().map(|v| *v as f32).collect()),
        "int64" => Values::I64(tensor.data.iter().map(|v| *v as i64).collect()),
        _ => return Err(Problem::user("the dtype must be float32 or int64")),
    };
    let shape = tensor.shape.clone().unwrap_or_default();
    match (&tensor.sparse_crow_indices, &tensor.sparse_col_indices) {
        (None, None) => Tensor::new(shape, values),
        (Some(crow), Some(col)) => densify(shape, &values, crow, col),
        _ => Err(Problem::user("a sparse tensor has both lists of indices")),
    }
}

/// The result of a pass: one record for the data whose logprobs are rows, and one for each other
/// width, since a record has one trailing shape.
pub(crate) fn output(passed: &Passed) -> proto::ForwardBackwardOutput {
    let mut records: Vec<proto::ArrayRecord> = Vec::new();
    let mut rest = passed.logprobs.as_slice();
    while let Some(first) = rest.first() {
        let trailing = &first.shape[1..];
        let alike = rest
            .iter()
            .take_while(|t| &t.shape[1..] == trailing)
            .count();
        let (run, others) = rest.split_at(alike);
        records.push(record(run, trailing));
        rest = others;
    }
    proto::ForwardBackwardOutput {
        loss_fn_output_type: "ArrayRecord".to_owned(),
        loss_fn_outputs: records,
        metrics: passed.metrics.clone(),
    }
}

fn record(run: &[Tensor], trailing: &[usize]) -> proto::ArrayRecord {
    let mut data = Vec::new();
    let mut offsets = 0_i64.to_le_bytes().to_vec();
    for tensor in run {
        data.extend(floats(tensor.floats().unwrap_or_default()));
        offsets.extend((data.len() as i64).to_le_bytes());
    }
    let logprobs = proto::BatchedTensor {
        data: data.into(),
        offsets: offsets.into(),
        dtype: DType::DtypeFloat32.into(),
        trailing_shape: trailing.iter().map(|d| *d as i64).collect(),
    };
    proto::ArrayRecord {
        type_tag: "logprobs".to_owned(),
        fields: BTreeMap::from([("logprobs".to_owned(), logprobs)]),
        num_datums: run.len() as i64,
    }
}

/// The result of a sampling.
pub(crate) fn sampled(sampled: &Sampled, cached: usize) -> proto::SampleResponse {
    let alternatives = sampled.alternatives.as_ref();
    proto::SampleResponse {
        sequences: sampled.sequences.iter().map(sequence).collect(),
        prompt_logprobs: sampled.prompt_logprobs.as_deref().map(|l| floats(l).into()),
        topk_prompt_logprobs: sampled.topk_prompt.as_ref().map(topk),
        prompt_cache_hit_tokens: i32::try_from(cached).unwrap_or(i32::MAX),
        target_prompt_logprobs: sampled.targets.as_ref().map(dense),
        prompt_alt_tokens: alternatives.map(|(tokens, logprobs)| proto::PromptAltTokens {
            tokens: Some(dense(tokens)),
            logprobs: Some(dense(logprobs)),
        }),
    }
}

fn sequence(sequence: &Sequence) -> proto::SampledSequence {
    let tokens: Vec<u8> = sequence
        .tokens
        .iter()
        .flat_map(|t| t.to_le_bytes())
        .collect();
    let stop_reason = if sequence.by_length {
        StopReason::Length
    } else {
        StopReason::Stop
    };
    proto::SampledSequence {
        stop_reason: stop_reason.into(),
        tokens: tokens.into(),
        logprobs: Some(floats(&sequence.logprobs).into()),
        topk_sampled_logprobs: sequence.top.as_ref().map(topk),
    }
}

fn topk(top: &TopK) -> proto::TopkLogprobs {
    let ids: Vec<u8> = top
        .entries
        .iter()
        .flat_map(|(t, _)| t.to_le_bytes())
        .collect();
    let logprobs: Vec<f32> = top.entries.iter().map(|(_, logprob)| *logprob).collect();
    proto::TopkLogprobs {
        token_ids: ids.into(),
        logprobs: floats(&logprobs).into(),
        k: top.k as u32,
        length: (top.entries.len() / top.k.max(1)) as u32,
    }
}

fn dense(tensor: &Tensor) -> proto::Tensor {
    let (bytes, dtype) = match &tensor.values {
        Values::F32(values) => (floats(values), DType::DtypeFloat32),
        Values::I64(values) => {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            (bytes, DType::DtypeInt64)
        }
    };
    proto::Tensor {
        encoding: Some(Encoding::Dense(bytes.into())),
        dtype: dtype.into(),
        shape: tensor.shape.iter().map(|d| *d as i64).collect(),
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The configuration of a loss; the newer map wins, since only it can hold texts.
pub(crate) fn settings(request: &proto::ForwardBackwardRequest) -> BTreeMap<String, Setting> {
    let numbers = request.loss_fn_config.iter();
    let mut settings: BTreeMap<String, Setting> = numbers
        .map(|(k, v)| (k.clone(), Setting::Number(*v)))
        .collect();
    for (key, value) in &request.loss_fn_config_v2 {
        let value = match &value.value {
            Some(Config::Number(number)) => Setting::Number(*number),
            Some(Config::Text(text)) => Setting::Text(text.clone()),
            None => continue,
        };
        settings.insert(key.clone(), value);
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(values: &[i64]) -> Bytes {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
            .into()
    }

    #[test]
    fn sparse_tensors_become_dense_or_are_refused() {
        let make = |crow: &[i64], col: &[i64]| proto::Tensor {
            encoding: Some(Encoding::SparseCsr(proto::SparseCsr {
                values: ints(&[7, 8]),
                crow_indices: ints(crow),
                col_indices: ints(col),
            })),
            dtype: DType::DtypeInt64.into(),
            shape: vec![2, 3],
        };
        let dense = tensor(&make(&[0, 1, 2], &[2, 0])).expect("dense");
        assert_eq!(dense.integers().expect("integers"), [0, 0, 7, 8, 0, 0]);
        for (crow, col) in [
            (&[0, 1, 3][..], &[2, 0][..]),
            (&[0, 2, 1], &[2, 0]),
            (&[0, 2], &[2, 0]),
            (&[0, 1, 2], &[3, 0]),
            (&[0, 1, 2], &[-1, 0]),
            (&[0, 1, 2], &[1]),
        ] {
            assert!(tensor(&make(crow, col)).is_err());
        }
    }

    #[test]
    fn records_hold_what_has_one_trailing_shape() {
        let tensor = |shape: &[usize]| {
            let len = shape.iter().product();
            Tensor::new(shape.to_vec(), Values::F32(vec![-1.0; len])).expect("a tensor")
        };
        let passed = Passed {
            logprobs: vec![tensor(&[2]), tensor(&[3]), tensor(&[2, 2])],
            metrics: BTreeMap::new(),
        };
        let output = output(&passed);
        let counts: Vec<i64> = output
            .loss_fn_outputs
            .iter()
            .map(|r| r.num_datums)
            .collect();
        assert_eq!(counts, [2, 1]);
        let batched = &output.loss_fn_outputs[0].fields["logprobs"];
        assert_eq!(batched.offsets, ints(&[0, 8, 20]));
    }
}
