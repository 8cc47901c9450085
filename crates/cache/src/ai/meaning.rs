//! The step of a call between a miss and the computation: whether a request that means the same was
//! answered.

use super::inner::{Inner, Job};
use super::semantic::Trial;
use crate::cache::ResponseCache;
use crate::key::CacheKey;
use crate::lookup::{Hit, Lookup, Tier};
use crate::value::Value;

/// What the semantic tier says.
pub(super) enum Asked {
    Answered(Hit),
    Unanswered(Unanswered),
}

/// What is known of a request that the semantic tier does not answer.
#[derive(Default)]
pub(super) struct Unanswered {
    /// The vector of what is asked, if it was made.
    vector: Option<Vec<f32>>,
    /// What a tier on trial would have answered: the key, how similar it is, and the answer.
    offer: Option<(CacheKey, f32, Value)>,
}

impl<C: ResponseCache> Inner<C> {
    /// An answer to a request that means the same.
    pub(super) async fn ask_meaning(&self, job: &Job) -> Asked {
        let (Some(tier), Some(meaning)) = (&self.rules.semantic, &job.meaning) else {
            return Asked::Unanswered(Unanswered::default());
        };
        let Some(vector) = tier.embed(meaning, &*self.rules.clock).await else {
            return Asked::Unanswered(Unanswered::default());
        };
        let mut offer = None;
        if let Some((key, similarity)) = tier.nearest(meaning, &vector) {
            match self.store.get(&key).await {
                Lookup::Hit(mut hit) => {
                    hit.tier = Tier::Semantic;
                    hit.similarity = Some(similarity);
                    match job.options.judge(Lookup::Hit(hit)) {
                        Lookup::Hit(hit) if tier.is_on_trial() => {
                            offer = Some((key, similarity, hit.value().clone()));
                        }
                        Lookup::Hit(hit) => return Asked::Answered(hit),
                        _ => {}
                    }
                }
                _ => tier.remove(meaning, &key),
            }
        }
        Asked::Unanswered(Unanswered {
            vector: Some(vector),
            offer,
        })
    }

    /// Remembers what was asked, if the answer was stored.
    pub(super) async fn learn_meaning(&self, job: &Job, asked: Unanswered, answer: &Value) {
        let (Some(tier), Some(meaning)) = (&self.rules.semantic, &job.meaning) else {
            return;
        };
        if let Some((nearest, similarity, offered)) = asked.offer {
            tier.note(Trial {
                key: job.key.clone(),
                nearest,
                similarity,
                offered,
                answered: answer.clone(),
            });
        }
        if let Some(vector) = asked.vector
            && self.store.exists(&job.key).await
        {
            tier.insert(meaning.clone(), vector, job.key.clone());
        }
    }
}
