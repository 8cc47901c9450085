//! A requests-per-minute quota, counted over a sliding minute of the emulator's clock for each
//! caller and model.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Counts requests and says when there were too many.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: usize,
    recent: Mutex<HashMap<(String, String), VecDeque<SystemTime>>>,
}

impl Limiter {
    pub(crate) fn new(requests_per_minute: usize) -> Self {
        Self {
            limit: requests_per_minute,
            recent: Mutex::default(),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Admits a request, or gives the time until one will be. Refused requests do not count.
    pub(crate) fn admit(&self, owner: &str, model: &str, now: SystemTime) -> Result<(), Duration> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let times = recent
            .entry((owner.to_owned(), model.to_owned()))
            .or_default();
        while times.front().is_some_and(|first| *first + MINUTE <= now) {
            times.pop_front();
        }
        if times.len() < self.limit {
            times.push_back(now);
            return Ok(());
        }
        let freed = times.front().map_or(now + MINUTE, |first| *first + MINUTE);
        Err(freed.duration_since(now).unwrap_or(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sliding_minute_for_each_caller_and_model() {
        let limiter = Limiter::new(2);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(limiter.admit("k", "m", at(0)), Ok(()));
        assert_eq!(limiter.admit("k", "m", at(30)), Ok(()));
        assert_eq!(
            limiter.admit("k", "m", at(40)),
            Err(Duration::from_secs(20))
        );
        assert_eq!(limiter.admit("k", "other", at(40)), Ok(()));
        assert_eq!(limiter.admit("other", "m", at(40)), Ok(()));
        assert_eq!(limiter.admit("k", "m", at(60)), Ok(()));
        assert_eq!(
            limiter.admit("k", "m", at(61)),
            Err(Duration::from_secs(29))
        );
        assert_eq!(Limiter::new(0).admit("k", "m", at(0)), Err(MINUTE));
    }
}
