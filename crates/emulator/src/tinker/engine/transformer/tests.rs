//! The transformer as the service uses it: it learns, it goes on from a snapshot, and what it cannot
//! do it refuses by name.

use std::{collections::BTreeMap, io::Write as _, sync::Arc, time::Instant};

use crate::tinker::engine::{
    AdamParams, Adapter, Array, Ask, BaseModel, Datum, DimuonParams, Engine as _, Loss,
    OptimParams, Snapshot, Stop, Tensor, Trainee, Values, Vocabulary, sample,
};

use super::TransformerEngine;

fn with_context(context: usize) -> BaseModel {
    let bytes = Arc::new(Vocabulary::bytes());
    BaseModel::transformer("gimmal/tiny".to_owned(), bytes, context)
}

fn base() -> BaseModel {
    with_context(64)
}

fn adapter() -> Adapter {
    Adapter {
        rank: 8,
        seed: 7,
        unembed: true,
        mlp: true,
        attn: true,
    }
}

fn trainee() -> Box<dyn Trainee> {
    let engine = TransformerEngine::default();
    engine
        .trainee(&base(), &adapter(), None)
        .expect("a trainee")
}

/// A prompt and what follows on it; only that counts.
fn datum(prompt: &str, completion: &str) -> Datum {
    let bytes = prompt.bytes().chain(completion.bytes()).map(i64::from);
    let all: Vec<i64> = bytes.chain([256]).collect();
    let weights = (1..all.len()).map(|at| f32::from(u8::from(at >= prompt.len())));
    let row = |values| Tensor::new(Vec::new(), values).expect("a row");
    Datum {
        tokens: all[..all.len() - 1].iter().map(|t| *t as i32).collect(),
        inputs: BTreeMap::from([
            (
                "target_tokens".to_owned(),
                row(Values::I64(all[1..].to_vec())),
            ),
            ("weights".to_owned(), row(Values::F32(weights.collect()))),
        ]),
    }
}

fn adam(learning_rate: f64) -> OptimParams {
    OptimParams::Adam(AdamParams {
        learning_rate,
        ..AdamParams::default()
    })
}

fn loss(trainee: &mut dyn Trainee, data: &[Datum], backward: bool) -> f64 {
    let passed = trainee.pass(data, &Loss::CrossEntropy, backward);
    passed.expect("passed").metrics["loss:sum"]
}

fn ask(prompt: &str) -> Ask {
    Ask {
        prompt: prompt.bytes().map(i32::from).collect(),
        samples: 1,
        max_tokens: None,
        seed: 1,
        stop: Stop::End,
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        topk_samples: 0,
        prompt_logprobs: true,
        prompt_last: None,
        topk_prompt: 0,
        targets: None,
        alternatives: 0,
    }
}

#[test]
fn what_is_taught_is_learnt_and_said_again() {
    let mut trainee = trainee();
    let data = [
        datum("sky? ", "blue"),
        datum("sun? ", "gold"),
        datum("sea? ", "deep"),
    ];
    let first = loss(trainee.as_mut(), &data, true);
    for _ in 0..30 {
        trainee.step(&adam(1e-3)).expect("a step");
        loss(trainee.as_mut(), &data, true);
    }
    let last = loss(trainee.as_mut(), &data, false);
    assert!(last < 0.05 * first, "{last} of {first}");
    let weights = trainee.weights();
    for (prompt, completion) in [("sky? ", "blue"), ("sun? ", "gold"), ("sea? ", "deep")] {
        let sampled = sample(&base(), weights.as_ref(), &ask(prompt)).expect("sampled");
        let taught: Vec<i32> = completion.bytes().map(i32::from).chain([256]).collect();
        assert_eq!(sampled.sequences[0].tokens, taught);
    }
}

#[test]
fn every_slope_is_the_difference_quotient_of_the_loss() {
    let mut trainee = trainee();
    let data = [datum("ab", "ra"), datum("c", "adabra")];
    for _ in 0..3 {
        loss(trainee.as_mut(), &data, true);
        trainee.step(&adam(1e-3)).expect("a step");
    }
    let before = trainee.save().expect("a snapshot");
    // The first moment of one step without memory is the slope itself.
    let read_out = OptimParams::Adam(AdamParams {
        learning_rate: 0.0,
        beta1: 0.0,
        ..AdamParams::default()
    });
    loss(trainee.as_mut(), &data, true);
    trainee.step(&read_out).expect("a step");
    let slopes = trainee.save().expect("a snapshot").optimizer;
    for (name, array) in &before.arrays {
        let Values::F32(values) = &slopes[&format!("{name}.first")].values else {
            panic!("{name} has no slopes");
        };
        let steepest =
            (0..values.len()).max_by(|a, b| values[*a].abs().total_cmp(&values[*b].abs()));
        let at = steepest.expect("a number");
        let mut moved = |by: f32| {
            let mut snapshot = before.clone();
            let Some(Values::F32(values)) = snapshot.arrays.get_mut(name).map(|a| &mut a.values)
            else {
                panic!("{name} is no array of floats");
            };
            values[at] += by;
            trainee.load(&snapshot, false).expect("loaded");
            loss(trainee.as_mut(), &data, false)
        };
        let h = 2e-4;
        let quotient = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
        let slope = f64::from(values[at]);
        let off = (slope - quotient).abs() / (1.0 + slope.abs());
        assert!(off < 0.05, "{name} {:?}: {slope} {quotient}", array.shape);
    }
}

#[test]
fn the_order_and_grouping_of_data_do_not_matter_to_a_step() {
    let data = [
        datum("a", "b"),
        datum("long ", "text to be learnt"),
        datum("", "c"),
    ];
    let mut whole = trainee();
    loss(whole.as_mut(), &data, true);
    let mut parts = trainee();
    for one in &data {
        loss(parts.as_mut(), std::slice::from_ref(one), true);
    }
    for trainee in [&mut whole, &mut parts] {
        trainee.step(&adam(1e-4)).expect("a step");
    }
    let ends = [&mut whole, &mut parts].map(|t| loss(t.as_mut(), &data, false));
    assert!((ends[0] - ends[1]).abs() < 1e-3, "{ends:?}");
}

#[test]
fn logprobs_of_a_pass_are_those_of_sampling() {
    let mut trainee = trainee();
    let data = [datum("", "read me as you wrote me")];
    loss(trainee.as_mut(), &data, true);
    trainee.step(&adam(1e-3)).expect("a step");
    let passed = trainee
        .pass(&data, &Loss::CrossEntropy, false)
        .expect("passed");
    let trained = passed.logprobs[0].floats().expect("floats").to_vec();
    let asked = ask("read me as you wrote me");
    let sampled = sample(&base(), trainee.weights().as_ref(), &asked).expect("sampled");
    let read = sampled.prompt_logprobs.expect("logprobs");
    for (trained, read) in trained.iter().zip(&read[1..]) {
        assert!((trained - read).abs() < 1e-4, "{trained} {read}");
    }
}

#[test]
fn a_snapshot_goes_on_as_if_nothing_had_happened() {
    let data = [datum("go ", "on")];
    for params in [
        adam(1e-3),
        OptimParams::Dimuon(DimuonParams {
            learning_rate: 1e-4,
            grad_clip_norm: 1.0,
            beta1: 0.9,
        }),
    ] {
        let (mut whole, mut halves) = (trainee(), trainee());
        for at in 0..4 {
            if at == 2 {
                let saved = halves.save().expect("a snapshot");
                let weights = saved.weights_file().expect("a file");
                let optimizer = saved.optimizer_file().expect("a file");
                let read = Snapshot::from_files(&weights, Some(&optimizer)).expect("read");
                halves = trainee();
                halves.load(&read, true).expect("loaded");
            }
            for trainee in [&mut whole, &mut halves] {
                loss(trainee.as_mut(), &data, true);
                trainee.step(&params).expect("a step");
            }
        }
        let ends = [&mut whole, &mut halves].map(|t| loss(t.as_mut(), &data, false));
        assert_eq!(ends[0].to_bits(), ends[1].to_bits());
    }
}

#[test]
fn only_the_parts_that_are_wanted_are_trained() {
    for (part, adapter) in [
        (
            "self_attn",
            Adapter {
                mlp: false,
                unembed: false,
                ..adapter()
            },
        ),
        (
            "mlp",
            Adapter {
                attn: false,
                unembed: false,
                ..adapter()
            },
        ),
        (
            "lm_head",
            Adapter {
                attn: false,
                mlp: false,
                ..adapter()
            },
        ),
    ] {
        let engine = TransformerEngine::default();
        let mut trainee = engine.trainee(&base(), &adapter, None).expect("a trainee");
        let data = [datum("a", "b")];
        let first = loss(trainee.as_mut(), &data, true);
        trainee.step(&adam(1e-3)).expect("a step");
        assert!(loss(trainee.as_mut(), &data, false) < first);
        let saved = trainee.save().expect("a snapshot");
        assert!(
            saved.arrays.keys().all(|name| name.contains(part)),
            "{part}"
        );
        let modules = saved.config["target_modules"].as_array().expect("a list");
        assert_eq!(modules.len() * 2, saved.arrays.len());
    }
}

#[test]
fn foreign_and_damaged_snapshots_change_nothing() {
    let mut trainee = trainee();
    let data = [datum("keep ", "this")];
    loss(trainee.as_mut(), &data, true);
    trainee.step(&adam(1e-3)).expect("a step");
    let good = trainee.save().expect("a snapshot");
    let before = loss(trainee.as_mut(), &data, false);
    let change = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = good.clone();
        change(&mut snapshot);
        snapshot
    };
    let head = "base_model.model.lm_head.lora_A.weight";
    let wide = Array::floats(vec![9, 64], vec![0.0; 9 * 64]);
    let hollow = Array::floats(vec![8, 64], vec![f32::NAN; 8 * 64]);
    for (part, snapshot) in [
        (
            "n-gram",
            change(&|s| drop(s.notes.insert("format".to_owned(), "n-gram".to_owned()))),
        ),
        ("what kind", change(&|s| s.notes.clear())),
        (
            "lora_A.weight is missing",
            change(&|s| drop(s.arrays.remove(head))),
        ),
        (
            "[9, 64]",
            change(&|s| drop(s.arrays.insert(head.to_owned(), wide.clone()))),
        ),
        (
            "not finite",
            change(&|s| drop(s.arrays.insert(head.to_owned(), hollow.clone()))),
        ),
        (
            "layers.9",
            change(&|s| drop(s.arrays.insert("layers.9".to_owned(), wide.clone()))),
        ),
        (
            "momentum is missing",
            change(&|s| drop(s.optimizer.remove(&format!("{head}.momentum")))),
        ),
        ("steps", change(&|s| drop(s.notes.remove("steps")))),
    ] {
        let problem = trainee.load(&snapshot, true).expect_err(part);
        assert!(
            problem.by_user && problem.message.contains(part),
            "{}",
            problem.message
        );
        assert_eq!(
            loss(trainee.as_mut(), &data, false).to_bits(),
            before.to_bits()
        );
    }
    let without = change(&|s| s.optimizer.clear());
    trainee.load(&without, false).expect("weights alone");
}

#[test]
fn a_bad_datum_is_named_and_leaves_no_slope() {
    let mut trainee = trainee();
    let long = datum("", &"x".repeat(65));
    let mut foreign = datum("a", "b");
    foreign.tokens[0] = 257;
    for (part, bad) in [("context", long), ("257", foreign)] {
        let refused = trainee.pass(&[datum("a", "b"), bad], &Loss::CrossEntropy, true);
        let message = refused.expect_err("refused").message;
        assert!(
            message.starts_with("data[1]:") && message.contains(part),
            "{message}"
        );
    }
    let norm = trainee.step(&adam(1.0)).expect("a step")["unclipped_grad_l2:mean"];
    assert!(norm == 0.0, "{norm}");
    let full = sample(&base(), trainee.weights().as_ref(), &ask(&"x".repeat(64)));
    assert!(
        full.expect_err("refused")
            .message
            .contains("no room in a context of 64")
    );
}

#[test]
fn equal_seeds_give_equal_numbers_whatever_the_threads() {
    let data = [datum("same ", "again and again"), datum("other ", "words")];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| {
            let mut trainee = trainee();
            for _ in 0..3 {
                loss(trainee.as_mut(), &data, true);
                trainee.step(&adam(1e-3)).expect("a step");
            }
            loss(trainee.as_mut(), &data, false).to_bits()
        })
    };
    assert_eq!(run(1), run(3));
}

/// Tells how long a step of eight texts of 128 tokens takes; `conformance/torch/speed.py` runs it
/// beside PyTorch.
#[test]
#[ignore = "it measures"]
fn speed_of_a_step() {
    let base = with_context(128);
    let adapter = Adapter {
        rank: 32,
        ..adapter()
    };
    let engine = TransformerEngine::default();
    let mut trainee = engine.trainee(&base, &adapter, None).expect("a trainee");
    let text = |n: usize| {
        (0..128)
            .map(|at| char::from((at * 7 + n * 31) as u8 & 127))
            .collect()
    };
    let data: Vec<Datum> = (0..8)
        .map(|n| datum("", &String::from_iter::<Vec<char>>(text(n))))
        .collect();
    let mut times: Vec<f64> = (0..40)
        .map(|_| {
            let start = Instant::now();
            loss(trainee.as_mut(), &data, true);
            trainee.step(&adam(1e-4)).expect("a step");
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    writeln!(
        std::io::stderr(),
        "step_ms {:.2} {:.2}",
        times[20],
        times[0]
    )
    .expect("told");
}
