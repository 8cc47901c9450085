//! How large data will be on the wire, without encoding them.

use gimmal_types::tinker::{Datum, ModelInput, ModelInputChunk, TensorData};

/// Bytes of a token in a pass.
const TRAINING_TOKEN: u64 = 4;
/// Bytes of a token in a sample, which travels as JSON.
const SAMPLING_TOKEN: u64 = 10;
/// Bytes of a row pointer or a column index.
const INDEX: u64 = 8;

/// About how many bytes a datum takes in a pass.
pub fn training_bytes(datum: &Datum) -> u64 {
    let tensors = datum.loss_fn_inputs.values().map(tensor_bytes);
    input_bytes(&datum.model_input, TRAINING_TOKEN) + tensors.sum::<u64>()
}

/// About how many bytes a prompt takes in a sample.
pub fn sampling_bytes(prompt: &ModelInput) -> u64 {
    input_bytes(prompt, SAMPLING_TOKEN)
}

fn input_bytes(input: &ModelInput, token: u64) -> u64 {
    let chunk = |chunk: &ModelInputChunk| match chunk {
        ModelInputChunk::EncodedText(text) => text.tokens.len() as u64 * token,
        ModelInputChunk::Image(image) => image.data.as_bytes().len() as u64,
        ModelInputChunk::ImageAssetPointer(pointer) => pointer.location.len() as u64,
        ModelInputChunk::Dmel(sound) => sound.dmel.as_bytes().len() as u64,
        _ => 0,
    };
    input.chunks.iter().map(chunk).sum()
}

fn tensor_bytes(tensor: &TensorData) -> u64 {
    let indices = [tensor.sparse_crow_indices(), tensor.sparse_col_indices()];
    let listed = indices.iter().flatten().map(|list| list.len() as u64);
    tensor.data().byte_len() as u64 + listed.sum::<u64>() * INDEX
}

#[cfg(test)]
mod tests {
    use gimmal_types::tinker::{EncodedTextChunk, ImageAssetPointerChunk, ImageChunk};

    use super::*;

    fn tokens(count: u32) -> ModelInputChunk {
        EncodedTextChunk::new()
            .set_tokens((0..count).collect::<Vec<_>>())
            .into()
    }

    /// Covers: CHK-BE-1
    ///
    /// The figures are those of the official SDK, which counts the bytes that are sent.
    #[test]
    fn chk_be_1_what_a_datum_weighs() {
        assert_eq!(sampling_bytes(&ModelInput::from_ints(0..5)), 50);
        let image = ImageChunk::new().set_data(vec![0_u8; 5]);
        let pointer = ImageAssetPointerChunk::new().set_location("12345678");
        let input = ModelInput::empty()
            .append(tokens(2))
            .append(image)
            .append(pointer);
        let sparse =
            TensorData::csr(vec![1.0_f32], vec![0_i64, 1, 1], vec![0_i64], [2, 4]).unwrap();
        let datum = Datum::new(input)
            .with_input("target_tokens", vec![1_i64, 2, 3])
            .with_input("weights", sparse);
        assert_eq!(training_bytes(&datum), 81);
        assert_eq!(training_bytes(&Datum::new(ModelInput::empty())), 0);
    }
}
