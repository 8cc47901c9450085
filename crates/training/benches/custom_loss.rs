//! What a loss over 1,024 × 512 log-probabilities costs on this side, beside the same expression
//! written plainly with the tensor library. `cargo bench -p gimmal-training --bench custom_loss`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gimmal_client::types::tinker::{Datum, ModelInput};
use gimmal_training::candle::{Device, Result, Tensor, Var};
use gimmal_training::{Error, LossBatch, TensorLoss};

const DATA: usize = 1_024;
const TOKENS: usize = 512;

/// Numbers that look drawn at random, between −4 and 0.
fn logprobs(seed: usize) -> Vec<f32> {
    let number = |place: usize| ((place * 2_654_435_761 + seed * 40_503) % 4_000) as f32;
    (0..DATA * TOKENS)
        .map(|place| number(place) / -1_000.0)
        .collect()
}

/// A clipped policy loss: −mean(min(r · A, clip(r) · A)) with r = exp(logprob − old).
fn clipped(logprobs: &Tensor, old: &Tensor, advantages: &Tensor) -> Result<Tensor> {
    let ratio = (logprobs - old)?.exp()?;
    let free = (&ratio * advantages)?;
    let bounded = (ratio.clamp(0.8, 1.2)? * advantages)?;
    free.minimum(&bounded)?.mean_all()?.neg()
}

/// The same on bare tensors: numbers in, loss and derivatives out.
fn plain(now: &[f32], old: &[f32], advantages: &[f32]) -> Result<(f32, Vec<f32>)> {
    let matrix = |numbers: &[f32]| Tensor::from_slice(numbers, (DATA, TOKENS), &Device::Cpu);
    let logprobs = Var::from_tensor(&matrix(now)?)?;
    let loss = clipped(&logprobs, &matrix(old)?, &matrix(advantages)?)?;
    let gradients = loss.backward()?;
    let gradient = gradients.get(&logprobs).map(Tensor::flatten_all);
    let gradient = gradient.transpose()?.map(|all| all.to_vec1()).transpose()?;
    Ok((loss.to_scalar()?, gradient.unwrap_or_default()))
}

fn of_batch(batch: &LossBatch<'_>) -> std::result::Result<Tensor, Error> {
    let (old, advantages) = (
        batch.padded_input("old")?,
        batch.padded_input("advantages")?,
    );
    Ok(clipped(&batch.padded()?.logprobs, &old, &advantages)?)
}

fn custom_loss(criterion: &mut Criterion) {
    let (now, old) = (logprobs(1), logprobs(2));
    let advantages: Vec<f32> = logprobs(3).into_iter().map(|number| number + 2.0).collect();
    let rows = |numbers: &[f32]| -> Vec<Vec<f32>> {
        numbers.chunks(TOKENS).map(<[f32]>::to_vec).collect()
    };
    let data: Vec<Datum> = rows(&old)
        .into_iter()
        .zip(rows(&advantages))
        .map(|(old, advantages)| {
            Datum::new(ModelInput::from_ints(std::iter::repeat_n(1, TOKENS)))
                .with_input("target_tokens", vec![1_i64; TOKENS])
                .with_input("old", old)
                .with_input("advantages", advantages)
        })
        .collect();
    let by_datum = rows(&now);

    let (bare, gradient) = plain(&now, &old, &advantages).expect("the expression is sound");
    let ours = TensorLoss::new(of_batch)
        .compute(&data, &by_datum)
        .expect("the loss is sound");
    assert!((ours.loss - f64::from(bare)).abs() < 1e-4);
    assert_eq!(ours.gradients.concat(), gradient);

    let mut group = criterion.benchmark_group("clipped policy loss of 1,024 × 512");
    group.sample_size(20);
    group.bench_function("bare tensors", |bench| {
        bench.iter(|| black_box(plain(&now, &old, &advantages)));
    });
    group.bench_function("TensorLoss", |bench| {
        bench.iter(|| black_box(TensorLoss::new(of_batch).compute(&data, &by_datum)));
    });
    group.finish();
}

criterion_group!(benches, custom_loss);
criterion_main!(benches);
