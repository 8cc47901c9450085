//! Drawing a continuation from the scores of the next token: temperature, top-k, top-p, stops, seeds,
//! and the logprobs of what was there and of what was drawn. Knows scores, not how they came about.
//!
//! All logprobs are those of the model itself, before temperature and cuts.

use std::collections::BTreeSet;

use crate::rng::Rng;

use super::{BaseModel, Problem, Reader, Scores, Tensor, Values, Weights, data};

/// What ends a continuation besides its length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stop {
    /// The end-of-text token of the model.
    End,
    Tokens(Vec<i32>),
    /// Texts, compared with what the tokens stand for.
    Texts(Vec<String>),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) prompt: Vec<i32>,
    pub(crate) samples: usize,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) stop: Stop,
    pub(crate) temperature: f64,
    /// Draws only from so many of the likeliest tokens; 0 from all.
    pub(crate) top_k: usize,
    pub(crate) top_p: f64,
    pub(crate) topk_samples: usize,
    pub(crate) prompt_logprobs: bool,
    /// Of how many places at the end of the prompt.
    pub(crate) prompt_last: Option<usize>,
    pub(crate) topk_prompt: usize,
    /// Tokens to score at each place of the prompt but the first; negative ones are left out.
    pub(crate) targets: Option<Tensor>,
    /// How many other tokens to draw at each place of the prompt but the first.
    pub(crate) alternatives: usize,
}

/// The likeliest tokens of several places.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TopK {
    pub(crate) k: usize,
    /// Row by row; places without any have `(0, −99999)` throughout.
    pub(crate) entries: Vec<(i32, f32)>,
}

/// A continuation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sequence {
    pub(crate) tokens: Vec<i32>,
    pub(crate) logprobs: Vec<f32>,
    pub(crate) top: Option<TopK>,
    /// Whether its length ended it.
    pub(crate) by_length: bool,
}

/// What was drawn and scored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampled {
    pub(crate) sequences: Vec<Sequence>,
    /// One for each token of the prompt; not a number where none was computed.
    pub(crate) prompt_logprobs: Option<Vec<f32>>,
    pub(crate) topk_prompt: Option<TopK>,
    pub(crate) targets: Option<Tensor>,
    /// Tokens and their logprobs.
    pub(crate) alternatives: Option<(Tensor, Tensor)>,
}

/// Stands for a top token that there is not.
const NO_TOKEN: (i32, f32) = (0, -99_999.0);

/// Does what is asked for.
pub(crate) fn sample(
    base: &BaseModel,
    weights: &dyn Weights,
    ask: &Ask,
) -> Result<Sampled, Problem> {
    check(base, ask)?;
    let mut sampled = score_prompt(weights, ask)?;
    let room = base.context - ask.prompt.len();
    let most = ask.max_tokens.unwrap_or(room).min(room);
    let mut prompt = weights.read();
    prompt.push(&ask.prompt)?;
    for n in 0..ask.samples {
        let mut reader = prompt.fork();
        let mut rng = Rng::new(crate::rng::mix(ask.seed) ^ crate::rng::mix(n as u64 + 1));
        let sequence = continue_text(base, reader.as_mut(), ask, most, &mut rng)?;
        sampled.sequences.push(sequence);
    }
    Ok(sampled)
}

fn check(base: &BaseModel, ask: &Ask) -> Result<(), Problem> {
    let refuse = |why: String| Err(Problem::user(why));
    if ask.prompt.is_empty() {
        return refuse("prompt has no tokens".to_owned());
    }
    if ask.prompt.len() >= base.context {
        return refuse(format!(
            "prompt has {} tokens, which leaves no room in a context of {}",
            ask.prompt.len(),
            base.context
        ));
    }
    let foreign = |t: &&i32| !data::is_token(i64::from(**t), base.vocabulary);
    if let Some(token) = ask.prompt.iter().find(foreign) {
        return refuse(format!(
            "prompt has {token}, which is no token of a vocabulary of {}",
            base.vocabulary
        ));
    }
    if !(ask.temperature >= 0.0 && ask.temperature.is_finite()) {
        return refuse("sampling_params.temperature must be at least 0".to_owned());
    }
    if !(ask.top_p > 0.0 && ask.top_p <= 1.0) {
        return refuse("sampling_params.top_p must be above 0 and at most 1".to_owned());
    }
    let places = ask.prompt.len() - 1;
    if let Some(last) = ask.prompt_last
        && (last == 0 || last > places || !ask.prompt_logprobs)
    {
        return refuse(format!(
            "prompt_logprobs_last_n must be from 1 to {places}, and prompt_logprobs must be set"
        ));
    }
    if let Some(targets) = &ask.targets {
        let fits = matches!(targets.shape.as_slice(), [rows, _] if *rows == places);
        let tokens = targets.integers().unwrap_or_default();
        let known = tokens
            .iter()
            .all(|t| *t == -1 || data::is_token(*t, base.vocabulary));
        if !fits || targets.integers().is_none() || !known {
            return refuse(format!(
                "target_prompt_logprobs must be an int64 tensor of shape [{places}, k] of tokens or -1"
            ));
        }
    }
    Ok(())
}

fn score_prompt(weights: &dyn Weights, ask: &Ask) -> Result<Sampled, Problem> {
    let mut sampled = Sampled::default();
    let wanted =
        ask.prompt_logprobs || ask.topk_prompt > 0 || ask.targets.is_some() || ask.alternatives > 0;
    if !wanted {
        return Ok(sampled);
    }
    let places = ask.prompt.len() - 1;
    let from = ask.prompt_last.map_or(0, |last| places - last);
    let width = ask.targets.as_ref().map_or(0, |t| t.shape[1]);
    let mut logprobs = vec![f32::NAN];
    let mut top = vec![NO_TOKEN; ask.topk_prompt];
    let mut targets = Vec::new();
    let (mut other_tokens, mut other_logprobs) = (Vec::new(), Vec::new());
    let mut rng = Rng::new(crate::rng::mix(ask.seed));
    let mut reader = weights.read();
    for at in 0..places {
        reader.push(&ask.prompt[at..=at])?;
        let next = ask.prompt[at + 1];
        let scores = reader.scores();
        let total = scores.log_total();
        let logprob = |token: i32| (f64::from(scores.of(token)) - total) as f32;
        logprobs.push(if at < from { f32::NAN } else { logprob(next) });
        if ask.topk_prompt > 0 {
            top.extend(padded(scores.top(ask.topk_prompt), ask.topk_prompt));
        }
        let asked = ask.targets.as_ref().and_then(Tensor::integers);
        for target in &asked.unwrap_or_default()[at * width..][..width] {
            let token = i32::try_from(*target).unwrap_or(-1);
            targets.push(if token < 0 { 0.0 } else { logprob(token) });
        }
        for _ in 0..ask.alternatives {
            let token = draw(&scores, ask, &mut rng);
            other_tokens.push(i64::from(token));
            other_logprobs.push(logprob(token));
        }
    }
    sampled.prompt_logprobs = ask.prompt_logprobs.then_some(logprobs);
    sampled.topk_prompt = (ask.topk_prompt > 0).then_some(TopK {
        k: ask.topk_prompt,
        entries: top,
    });
    if let Some(asked) = &ask.targets {
        sampled.targets = Some(Tensor::new(asked.shape.clone(), Values::F32(targets))?);
    }
    if ask.alternatives > 0 {
        let shape = vec![places, ask.alternatives];
        sampled.alternatives = Some((
            Tensor::new(shape.clone(), Values::I64(other_tokens))?,
            Tensor::new(shape, Values::F32(other_logprobs))?,
        ));
    }
    Ok(sampled)
}

fn continue_text(
    base: &BaseModel,
    reader: &mut dyn Reader,
    ask: &Ask,
    most: usize,
    rng: &mut Rng,
) -> Result<Sequence, Problem> {
    let mut sequence = Sequence {
        tokens: Vec::new(),
        logprobs: Vec::new(),
        top: (ask.topk_samples > 0).then(|| TopK {
            k: ask.topk_samples,
            entries: Vec::new(),
        }),
        by_length: true,
    };
    let mut text = Vec::new();
    while sequence.tokens.len() < most {
        let scores = reader.scores();
        let token = draw(&scores, ask, rng);
        let logprob = (f64::from(scores.of(token)) - scores.log_total()) as f32;
        sequence.tokens.push(token);
        sequence.logprobs.push(logprob);
        if let Some(top) = &mut sequence.top {
            top.entries.extend(padded(scores.top(top.k), top.k));
        }
        let stops = match &ask.stop {
            Stop::End => token == base.end,
            Stop::Tokens(tokens) => tokens.contains(&token),
            Stop::Texts(texts) => {
                let added = base.text(token);
                text.extend_from_slice(&added);
                texts.iter().any(|stop| completes(&text, added.len(), stop))
            }
        };
        if stops {
            sequence.by_length = false;
            break;
        }
        reader.push(&[token])?;
    }
    Ok(sequence)
}

/// Whether the last `added` bytes of a text have completed `stop`, with or without more after it.
fn completes(text: &[u8], added: usize, stop: &str) -> bool {
    if stop.is_empty() {
        return false;
    }
    let from = (text.len() - added + 1).saturating_sub(stop.len());
    let mut parts = text[from..].windows(stop.len());
    parts.any(|part| part == stop.as_bytes())
}

fn padded(mut top: Vec<(i32, f32)>, k: usize) -> Vec<(i32, f32)> {
    top.resize(k, NO_TOKEN);
    top
}

/// One token by chance, or the likeliest one without a temperature.
fn draw(scores: &Scores, ask: &Ask, rng: &mut Rng) -> i32 {
    if ask.temperature == 0.0 || ask.top_k == 1 {
        return scores.top(1).first().map_or(0, |(token, _)| *token);
    }
    let heated = Scores {
        listed: scores
            .listed
            .iter()
            .map(|(token, score)| (*token, (f64::from(*score) / ask.temperature) as f32))
            .collect(),
        others: (f64::from(scores.others) / ask.temperature) as f32,
        vocabulary: scores.vocabulary,
    };
    if ask.top_k == 0 && ask.top_p >= 1.0 {
        return draw_freely(&heated, rng);
    }
    let k = if ask.top_k == 0 {
        usize::MAX
    } else {
        ask.top_k
    };
    let ranked = heated.top(k.min(heated.vocabulary as usize));
    let mut mass = 0.0;
    let mut kept = Vec::new();
    for (token, logprob) in ranked {
        if mass >= ask.top_p {
            break;
        }
        let share = f64::from(logprob).exp();
        mass += share;
        kept.push((token, share));
    }
    let mut left = rng.fraction() * mass;
    for (token, share) in &kept {
        left -= share;
        if left < 0.0 {
            return *token;
        }
    }
    kept.last().map_or(0, |(token, _)| *token)
}

/// Draws from all tokens without putting the ones that are not listed in any list.
fn draw_freely(scores: &Scores, rng: &mut Rng) -> i32 {
    let total = scores.log_total();
    let mut left = rng.fraction();
    for (token, score) in &scores.listed {
        left -= (f64::from(*score) - total).exp();
        if left < 0.0 {
            return *token;
        }
    }
    let unlisted = scores.unlisted();
    if unlisted == 0 {
        return scores.listed.last().map_or(0, |(token, _)| *token);
    }
    // The nth number that is not in the list, by stepping over those of the list that are smaller.
    let mut token = (rng.next_u64() % unlisted as u64) as i32;
    let listed: BTreeSet<i32> = scores.listed.iter().map(|(token, _)| *token).collect();
    for taken in listed {
        if taken <= token {
            token += 1;
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says that after any token the next number is likely.
    struct Counting;

    #[derive(Clone)]
    struct Count(i32);

    impl Weights for Counting {
        fn read(&self) -> Box<dyn Reader + '_> {
            Box::new(Count(0))
        }
    }

    impl Reader for Count {
        fn push(&mut self, tokens: &[i32]) -> Result<(), Problem> {
            self.0 = tokens.last().copied().unwrap_or(self.0);
            Ok(())
        }

        fn fork(&self) -> Box<dyn Reader + '_> {
            Box::new(self.clone())
        }

        fn scores(&self) -> Scores {
            Scores {
                listed: vec![(self.0 + 1, 3.0), (0, 1.0)],
                others: 0.0,
                vocabulary: 300,
            }
        }
    }

    fn base() -> BaseModel {
        BaseModel::ngram("m".to_owned(), 300, 20, 7)
    }

    fn ask(prompt: &[i32]) -> Ask {
        Ask {
            prompt: prompt.to_vec(),
            samples: 1,
            max_tokens: None,
            seed: 1,
            stop: Stop::End,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            topk_samples: 0,
            prompt_logprobs: false,
            prompt_last: None,
            topk_prompt: 0,
            targets: None,
            alternatives: 0,
        }
    }

    fn run(ask: &Ask) -> Sampled {
        sample(&base(), &Counting, ask).expect("sampled")
    }

    #[test]
    fn greedy_text_goes_to_a_stop_or_to_the_end_of_the_room() {
        let sequence = &run(&ask(&[3])).sequences[0];
        assert_eq!(
            (sequence.tokens.as_slice(), sequence.by_length),
            (&[4, 5, 6, 7][..], false)
        );
        let endless = Ask {
            stop: Stop::Tokens(Vec::new()),
            ..ask(&[3])
        };
        let sequence = &run(&endless).sequences[0];
        assert_eq!((sequence.tokens.len(), sequence.by_length), (19, true));
        let text = Ask {
            stop: Stop::Texts(vec!["CD".to_owned()]),
            ..ask(&[64])
        };
        assert_eq!(run(&text).sequences[0].tokens, [65, 66, 67, 68]);
        let short = Ask {
            max_tokens: Some(2),
            ..ask(&[3])
        };
        assert_eq!(run(&short).sequences[0].tokens, [4, 5]);
    }

    #[test]
    fn seeds_decide_and_cuts_narrow() {
        let free = Ask {
            temperature: 2.0,
            samples: 4,
            max_tokens: Some(9),
            ..ask(&[3])
        };
        let first = run(&free).sequences;
        assert_eq!(first, run(&free).sequences);
        assert_ne!(first[0], first[1]);
        assert_ne!(
            first,
            run(&Ask {
                seed: 2,
                ..free.clone()
            })
            .sequences
        );
        for cut in [
            Ask {
                top_k: 2,
                ..free.clone()
            },
            Ask {
                top_p: 0.05,
                temperature: 1.0,
                ..free
            },
        ] {
            for sequence in run(&cut).sequences {
                let mut last = 3;
                for token in sequence.tokens {
                    assert!(token == last + 1 || token == 0);
                    last = token;
                }
            }
        }
    }

    #[test]
    fn the_prompt_is_scored_where_asked() {
        let targets = Tensor::new(vec![2, 2], Values::I64(vec![4, -1, 9, 5])).expect("a tensor");
        let all = Ask {
            prompt_logprobs: true,
            prompt_last: Some(1),
            topk_prompt: 2,
            targets: Some(targets),
            alternatives: 3,
            topk_samples: 1,
            ..ask(&[3, 4, 5])
        };
        let sampled = run(&all);
        let logprobs = sampled.prompt_logprobs.expect("logprobs");
        assert!(logprobs[0].is_nan() && logprobs[1].is_nan() && logprobs[2] < 0.0);
        let top = sampled.topk_prompt.expect("top");
        assert_eq!(top.entries[0], NO_TOKEN);
        assert_eq!((top.entries[4].0, top.entries[5].0), (5, 0));
        let scored = sampled.targets.expect("targets");
        let scored = scored.floats().expect("floats");
        assert_eq!((scored[1], scored[3]), (0.0, logprobs[2]));
        assert_eq!(sampled.alternatives.expect("alternatives").0.shape, [2, 3]);
        assert_eq!(
            sampled.sequences[0].top.as_ref().expect("top").entries[0].0,
            6
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (ask, part) in [
            (ask(&[]), "no tokens"),
            (ask(&[300]), "300"),
            (ask(&[1; 20]), "no room"),
            (
                Ask {
                    temperature: -1.0,
                    ..ask(&[1])
                },
                "temperature",
            ),
            (
                Ask {
                    top_p: 0.0,
                    ..ask(&[1])
                },
                "top_p",
            ),
            (
                Ask {
                    prompt_last: Some(2),
                    prompt_logprobs: true,
                    ..ask(&[1, 2])
                },
                "last_n",
            ),
        ] {
            let problem = sample(&base(), &Counting, &ask).expect_err("refused");
            assert!(problem.message.contains(part), "{}", problem.message);
        }
    }
}
