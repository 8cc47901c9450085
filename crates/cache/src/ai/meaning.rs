//! The step of a call between a miss and the computation: whether a request that means the same was
//! answered.

use super::inner::{Inner, Job};
use crate::cache::ResponseCache;
use crate::lookup::{Hit, Lookup, Tier};

/// What the semantic tier says.
pub(super) enum Asked {
    Answered(Hit),
    /// Nothing; the vector of what is asked, if it was made.
    Unanswered(Option<Vec<f32>>),
}

impl<C: ResponseCache> Inner<C> {
    /// An answer to a request that means the same.
    pub(super) async fn ask_meaning(&self, job: &Job) -> Asked {
        let (Some(tier), Some(meaning)) = (&self.rules.semantic, &job.meaning) else {
            return Asked::Unanswered(None);
        };
        let Some(vector) = tier.embed(meaning, &*self.rules.clock).await else {
            return Asked::Unanswered(None);
        };
        if let Some((key, similarity)) = tier.nearest(meaning, &vector) {
            match self.store.get(&key).await {
                Lookup::Hit(mut hit) => {
                    hit.tier = Tier::Semantic;
                    hit.similarity = Some(similarity);
                    if let Lookup::Hit(hit) = job.options.judge(Lookup::Hit(hit)) {
                        return Asked::Answered(hit);
                    }
                }
                _ => tier.remove(meaning, &key),
            }
        }
        Asked::Unanswered(Some(vector))
    }

    /// Remembers what was asked, if the answer was stored.
    pub(super) async fn learn_meaning(&self, job: &Job, vector: Option<Vec<f32>>) {
        let (Some(tier), Some(meaning)) = (&self.rules.semantic, &job.meaning) else {
            return;
        };
        if let Some(vector) = vector
            && self.store.exists(&job.key).await
        {
            tier.insert(meaning.clone(), vector, job.key.clone());
        }
    }
}
