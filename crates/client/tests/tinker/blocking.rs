//! A script without async: training, sampling and the end of the session.

use gimmal_client::blocking::{Wait as _, within};
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput, SamplingParams};

use super::support::Bench;

fn datum() -> Datum {
    Datum::new(ModelInput::from_ints([1, 2, 3]))
        .with_input("target_tokens", vec![2_i64, 3, 4])
        .with_input("weights", vec![1.0_f32, 1.0, 1.0])
}

#[test]
fn a_script_trains_and_samples() {
    let bench = Bench::start().wait();
    let training = bench.training().wait();
    let (pass, step) = within(|| {
        let pass = training.forward_backward(vec![datum()], LossFnType::CrossEntropy);
        (
            pass.submit(),
            training.optim_step(AdamParams::new()).submit(),
        )
    });
    let pass = pass.wait().unwrap().wait().unwrap();
    assert_eq!(pass.loss_fn_outputs.len(), 1);
    step.wait().unwrap().wait().unwrap();
    let sampler = training
        .save_weights_and_get_sampling_client()
        .wait()
        .unwrap();
    let params = SamplingParams::new().set_max_tokens(2_u32);
    let prompt = ModelInput::from_ints([1, 2]);
    let reply = sampler.sample(prompt, 1, params).wait().unwrap();
    assert_eq!(reply.sequences.len(), 1);
    bench.service.close("success", None).wait().unwrap();
}
