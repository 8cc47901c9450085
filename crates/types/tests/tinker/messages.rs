//! The direct writer against the messages: whatever the data, the bytes are the same.

use bytes::Bytes;
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::proto::messages::{
    self, chunk, loss_config_value, provenance_span, tensor,
};
use gimmal_types::tinker::{
    Datum, DmelChunk, EncodedTextChunk, ForwardBackwardInput, ForwardBackwardRequest,
    ForwardRequest, ImageChunk, ImageFormat, LossConfigValue, LossFnType, ModelInput,
    ModelInputChunk, PromptProvenanceSpan, ProvenanceSpan, SampledProvenanceSpan, TensorData,
    TensorValues,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use prost::Message as _;

fn numbers(values: &TensorValues) -> Bytes {
    match values {
        TensorValues::Float32(values) => values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        TensorValues::Int64(values) => values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        _ => panic!("another type"),
    }
}

fn indices(list: Option<&[i64]>) -> Bytes {
    numbers(&TensorValues::Int64(list.unwrap_or_default().to_vec()))
}

fn tensor_message(data: &TensorData) -> messages::Tensor {
    let values = numbers(data.data());
    let encoding = if data.is_sparse() {
        tensor::Encoding::SparseCsr(messages::SparseCsr {
            values,
            crow_indices: indices(data.sparse_crow_indices()),
            col_indices: indices(data.sparse_col_indices()),
        })
    } else {
        tensor::Encoding::Dense(values)
    };
    let dtype = match data.data() {
        TensorValues::Float32(_) => messages::DType::DtypeFloat32,
        _ => messages::DType::DtypeInt64,
    };
    messages::Tensor {
        dtype: dtype.into(),
        shape: data.shape().unwrap_or_default().to_vec(),
        encoding: Some(encoding),
    }
}

fn chunk_message(chunk: &ModelInputChunk) -> messages::Chunk {
    let chunk = match chunk {
        ModelInputChunk::EncodedText(text) => {
            let tokens = text
                .tokens
                .iter()
                .flat_map(|token| token.to_le_bytes())
                .collect();
            chunk::Chunk::EncodedText(messages::EncodedTextChunk { tokens })
        }
        ModelInputChunk::Image(image) => chunk::Chunk::Image(messages::ImageChunk {
            data: image.data.clone().into_bytes(),
            format: image.format.name().into_owned(),
            expected_tokens: image
                .expected_tokens
                .map(|tokens| tokens.try_into().unwrap()),
            override_dimensions: None,
        }),
        ModelInputChunk::Dmel(dmel) => chunk::Chunk::Dmel(messages::DmelChunk {
            dmel: dmel.dmel.clone().into_bytes(),
        }),
        other => panic!("{other:?}"),
    };
    messages::Chunk { chunk: Some(chunk) }
}

fn span_message(span: &ProvenanceSpan) -> messages::ProvenanceSpan {
    let sequence_id = span.sequence_id().to_owned();
    let (offset, length) = (span.offset() as i64, span.length() as i64);
    let span = match span {
        ProvenanceSpan::PromptTokens(_) => {
            provenance_span::Span::PromptTokens(messages::PromptProvenanceSpan {
                sequence_id,
                offset,
                length,
            })
        }
        _ => provenance_span::Span::SampledTokens(messages::SampledProvenanceSpan {
            sequence_id,
            offset,
            length,
        }),
    };
    messages::ProvenanceSpan { span: Some(span) }
}

fn datum_message(datum: &Datum) -> messages::Datum {
    let spans = |spans: &Option<Vec<ProvenanceSpan>>| {
        spans.iter().flatten().map(span_message).collect::<Vec<_>>()
    };
    messages::Datum {
        model_input: datum.model_input.chunks.iter().map(chunk_message).collect(),
        loss_fn_inputs: datum
            .loss_fn_inputs
            .iter()
            .map(|(name, it)| (name.clone(), tensor_message(it)))
            .collect(),
        model_input_spans: spans(&datum.model_input_spans),
        loss_fn_input_spans: spans(&datum.loss_fn_input_spans),
    }
}

fn message(
    request: &ForwardBackwardRequest,
    forward_only: bool,
) -> messages::ForwardBackwardRequest {
    let input = &request.forward_backward_input;
    let config = input.loss_fn_config.iter().flatten();
    let first = config.clone().filter_map(|(name, value)| match value {
        LossConfigValue::Number(number) => Some((name.clone(), *number)),
        _ => None,
    });
    let second = config.map(|(name, value)| {
        let value = match value {
            LossConfigValue::Number(number) => loss_config_value::Value::Number(*number),
            LossConfigValue::Text(text) => loss_config_value::Value::Text(text.clone()),
            other => panic!("{other:?}"),
        };
        (
            name.clone(),
            messages::LossConfigValue { value: Some(value) },
        )
    });
    messages::ForwardBackwardRequest {
        model_id: request.model_id.clone(),
        seq_id: request.seq_id.unwrap_or_default().try_into().unwrap(),
        data: input.data.iter().map(datum_message).collect(),
        loss_fn: input.loss_fn.name().into_owned(),
        loss_fn_config: first.collect(),
        forward_only,
        loss_fn_config_v2: second.collect(),
    }
}

fn any_tensor() -> impl Strategy<Value = TensorData> {
    prop_oneof![
        vec(-1e6_f32..1e6, 0..40).prop_map(TensorData::from),
        vec(any::<i64>(), 0..40).prop_map(TensorData::from),
        vec(any::<i64>(), 0..4).prop_map(TensorData::unshaped),
        (0_usize..6, 0_usize..300, -1_i64..2).prop_map(|(rows, cols, pad)| {
            let cells: Vec<i64> = (0..rows * cols)
                .map(|cell| if cell % 17 == 3 { 7 } else { pad })
                .collect();
            let shape = [rows as i64, cols as i64];
            TensorData::from(cells)
                .with_shape(shape)
                .unwrap()
                .to_sparse(pad)
        }),
    ]
}

fn any_chunk() -> impl Strategy<Value = ModelInputChunk> {
    prop_oneof![
        vec(0_u32..0x7fff_ffff, 0..200).prop_map(|tokens| EncodedTextChunk::from(tokens).into()),
        (vec(any::<u8>(), 0..20), proptest::option::of(0_u32..300)).prop_map(|(data, tokens)| {
            let mut image = ImageChunk::new()
                .set_data(data)
                .set_format(ImageFormat::Jpeg);
            image.expected_tokens = tokens;
            image.into()
        }),
        vec(any::<u8>(), 0..9).prop_map(|dmel| DmelChunk::new().set_dmel(dmel).into()),
    ]
}

fn any_spans() -> impl Strategy<Value = Vec<ProvenanceSpan>> {
    let one = (any::<bool>(), "[a-z]{1,4}", 0_u64..300, 0_u64..300).prop_map(
        |(sampled, id, offset, length)| -> ProvenanceSpan {
            if sampled {
                SampledProvenanceSpan::of(id, length)
                    .set_offset(offset)
                    .into()
            } else {
                PromptProvenanceSpan::of(id, length)
                    .set_offset(offset)
                    .into()
            }
        },
    );
    vec(one, 0..3)
}

fn any_datum() -> impl Strategy<Value = Datum> {
    let inputs = btree_map("[a-z_]{0,9}", any_tensor(), 0..4);
    let spans = proptest::option::of((any_spans(), any_spans()));
    (vec(any_chunk(), 0..4), inputs, spans).prop_map(|(chunks, inputs, spans)| {
        let mut datum = Datum::new(ModelInput::new().set_chunks(chunks));
        datum.loss_fn_inputs = inputs;
        (datum.model_input_spans, datum.loss_fn_input_spans) = spans.unzip();
        datum
    })
}

fn any_input() -> impl Strategy<Value = ForwardBackwardInput> {
    let value = prop_oneof![
        (-9.0_f64..9.0).prop_map(LossConfigValue::from),
        Just(LossConfigValue::from(0.0)),
        "[a-z]{0,5}".prop_map(LossConfigValue::from),
    ];
    let config = proptest::option::of(btree_map("[a-z]{0,5}", value, 0..4));
    (vec(any_datum(), 1..4), config).prop_map(|(data, config)| {
        let mut input = ForwardBackwardInput::new(data, LossFnType::Dro);
        input.loss_fn_config = config;
        input
    })
}

proptest! {
    #[test]
    fn the_writer_writes_what_the_messages_do(
        input in any_input(),
        model_id in "[a-z:]{0,9}",
        seq_id in proptest::option::of(0_u64..0x7fff_ffff),
    ) {
        let mut request = ForwardBackwardRequest::new(&model_id, input.clone());
        request.seq_id = seq_id;
        let body = ForwardBackwardBody::from(&request);
        let written = body.encode().unwrap();
        prop_assert_eq!(written.len(), body.encoded_len());
        prop_assert_eq!(&written, &message(&request, false).encode_to_vec());

        let mut forward = ForwardRequest::new(&model_id, input);
        forward.seq_id = seq_id;
        let written = ForwardBackwardBody::from(&forward).encode().unwrap();
        prop_assert_eq!(&written, &message(&request, true).encode_to_vec());
    }
}
