//! Lists that come in pages: how many entries to ask for, and when to stop.

use std::future::Future;

use gimmal_api::tinker::Page;

use crate::args::TinkerPage;
use crate::output;

/// Which part of a list is wanted, and how it is fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The most entries.
    limit: u64,
    /// How many are passed over.
    offset: u64,
    /// The most entries of a page.
    page_size: u64,
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct Part<T> {
    pub(super) entries: Vec<T>,
    /// How many there are in the whole list, where the server says.
    pub(super) total: Option<u64>,
}

impl<T> Part<T> {
    /// Says below a table how many entries it does not show.
    pub(super) fn tell_the_rest(&self, things: &str) -> anyhow::Result<()> {
        let shown = self.entries.len() as u64;
        match self.total {
            Some(total) if total > shown && shown > 0 => {
                output::line(&format!("{shown} of {total} {things}; --limit 0 shows all"))
            }
            _ => Ok(()),
        }
    }
}

impl Wanted {
    /// What the command line asks for; no limit is written as 0.
    pub(super) fn new(page: TinkerPage, page_size: u64) -> Self {
        let limit = match page.limit {
            0 => u64::MAX,
            limit => limit,
        };
        Self {
            limit,
            offset: page.offset,
            page_size,
        }
    }

    /// How many entries the part has; unknown where all are wanted of a list of unknown length.
    fn goal(&self, total: Option<u64>) -> Option<u64> {
        let there = total.map(|total| total.saturating_sub(self.offset));
        match (there, self.limit) {
            (Some(there), limit) => Some(there.min(limit)),
            (None, u64::MAX) => None,
            (None, limit) => Some(limit),
        }
    }

    /// Fetches the pages one after the other. `tell` hears how far it is when there is more than
    /// one page.
    pub(super) async fn fetch<T, E, F>(
        self,
        mut page: impl FnMut(Page) -> F,
        mut tell: impl FnMut(u64, Option<u64>),
    ) -> Result<Part<T>, E>
    where
        F: Future<Output = Result<Part<T>, E>>,
    {
        let mut part = Part {
            entries: Vec::new(),
            total: None,
        };
        loop {
            let done = part.entries.len() as u64;
            let left = self.goal(part.total).map_or(u64::MAX, |goal| goal - done);
            let asked = self.page_size.min(left);
            let next = page(Page::new(asked, self.offset + done)).await?;
            let got = next.entries.len() as u64;
            part.entries
                .extend(next.entries.into_iter().take(fitting(left)));
            part.total = next.total.or(part.total);
            let now = part.entries.len() as u64;
            let goal = self.goal(part.total);
            let is_full = goal.is_some_and(|goal| now >= goal);
            // Where the server does not count, a short page is the last one.
            let is_over = got == 0 || (part.total.is_none() && got < asked);
            let is_done = is_full || is_over;
            if done > 0 || !is_done {
                tell(now, goal);
            }
            if is_done {
                return Ok(part);
            }
        }
    }
}

fn fitting(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::convert::Infallible;

    use futures_util::FutureExt as _;

    use super::*;

    /// What was asked, what came and what was told.
    struct Seen {
        asked: Vec<(u64, u64)>,
        part: Part<u64>,
        told: Vec<(u64, Option<u64>)>,
    }

    /// Fetches from a list of `there` numbers.
    fn fetch(limit: u64, offset: u64, page_size: u64, there: u64, counts: bool) -> Seen {
        let (asked, mut told) = (RefCell::new(Vec::new()), Vec::new());
        let page = |page: Page| {
            asked.borrow_mut().push((page.limit, page.offset));
            let end = there.min(page.offset.saturating_add(page.limit));
            let part = Part {
                entries: (page.offset..end).collect(),
                total: counts.then_some(there),
            };
            async { Ok::<_, Infallible>(part) }
        };
        let wanted = Wanted::new(TinkerPage { limit, offset }, page_size);
        let tell = |done, total| told.push((done, total));
        let part = wanted.fetch(page, tell).now_or_never().unwrap();
        let Ok(part) = part;
        let asked = asked.into_inner();
        Seen { asked, part, told }
    }

    /// Covers: CHK-CLI-1
    #[test]
    fn chk_cli_1_all_are_fetched_page_by_page() {
        let seen = fetch(0, 0, 2, 3, true);
        assert_eq!(seen.asked, [(2, 0), (1, 2)]);
        assert_eq!(seen.part.entries, [0, 1, 2]);
        assert_eq!(seen.part.total, Some(3));
        assert_eq!(seen.told.last(), Some(&(3, Some(3))));
    }

    #[test]
    fn one_page_is_not_worth_a_word() {
        let seen = fetch(20, 0, 100, 57, true);
        assert_eq!(seen.asked, [(20, 0)]);
        assert_eq!((seen.part.entries.len(), seen.part.total), (20, Some(57)));
        assert!(seen.told.is_empty());
        assert!(fetch(0, 0, 100, 0, true).told.is_empty());
    }

    #[test]
    fn the_limit_and_the_offset_hold_across_pages() {
        let seen = fetch(5, 1, 2, 10, true);
        assert_eq!(seen.asked, [(2, 1), (2, 3), (1, 5)]);
        assert_eq!(seen.part.entries, [1, 2, 3, 4, 5]);
        let seen = fetch(0, 8, 100, 10, true);
        assert_eq!(seen.part.entries, [8, 9]);
        let seen = fetch(0, 11, 100, 10, true);
        assert!(seen.part.entries.is_empty() && seen.asked.len() == 1);
    }

    #[test]
    fn where_nobody_counts_a_short_page_is_the_last() {
        let seen = fetch(0, 0, 2, 3, false);
        assert_eq!(seen.asked, [(2, 0), (2, 2)]);
        assert_eq!(seen.part.entries, [0, 1, 2]);
        let seen = fetch(3, 0, 2, 10, false);
        assert_eq!(seen.asked, [(2, 0), (1, 2)]);
        assert_eq!(seen.told.last(), Some(&(3, Some(3))));
    }

    #[test]
    fn a_count_that_is_too_high_does_not_go_on_for_ever() {
        let wanted = Wanted::new(
            TinkerPage {
                limit: 0,
                offset: 0,
            },
            2,
        );
        let mut calls = 0;
        let page = |_| {
            calls += 1;
            let entries = if calls == 1 { vec![1, 2] } else { Vec::new() };
            let part = Part {
                entries,
                total: Some(9),
            };
            async { Ok::<_, Infallible>(part) }
        };
        let part = wanted.fetch(page, |_, _| {}).now_or_never().unwrap();
        let Ok(part) = part;
        assert_eq!((part.entries.len(), calls), (2, 2));
    }
}
