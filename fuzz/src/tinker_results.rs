//! Results of Tinker in either form. The first byte chooses the form; whatever the rest is, reading
//! it ends, with a result that can be written down or with an error.

use bytes::Bytes;
use gimmal_api::tinker::FutureReply;
use gimmal_types::tinker::{ForwardBackwardOutput, FutureResult, SampleResponse};

/// Reads the input as each kind of result.
pub fn run(input: &[u8]) {
    let Some((form, body)) = input.split_first() else {
        return;
    };
    let kind = if form % 2 == 0 {
        "application/x-protobuf"
    } else {
        "application/json"
    };
    let body = Bytes::copy_from_slice(body);
    if let Ok(FutureReply::Result(payload)) = FutureReply::read(kind, body.clone()) {
        assert_eq!(payload.body(), &body);
    }
    if let Ok(output) = ForwardBackwardOutput::from_reply(kind, body.clone()) {
        let tensors = output
            .loss_fn_outputs
            .iter()
            .flat_map(|fields| fields.values());
        for tensor in tensors {
            assert!(tensor.is_sparse() || tensor.element_count() == tensor.data().len());
        }
        serde_json::to_vec(&output).expect("what was read can be written");
    }
    if let Ok(response) = SampleResponse::from_reply(kind, body) {
        let topk = response
            .sequences
            .iter()
            .filter_map(|it| it.topk_logprobs.as_ref());
        for topk in topk.chain(&response.topk_prompt_logprobs) {
            assert_eq!(topk.places().count(), topk.len());
        }
        serde_json::to_vec(&response).expect("what was read can be written");
    }
}
