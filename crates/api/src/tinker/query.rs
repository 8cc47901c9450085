//! What lists are asked for: pages, and whose things they show.

use gimmal_types::tinker::AccessScope;

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many entries it may hold.
    pub limit: u64,
    /// How many come before it.
    pub offset: u64,
}

/// A page of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListQuery {
    /// Which page; 20 entries from the first unless set.
    pub page: Page,
    /// Whose sessions; one's own unless set.
    pub access_scope: AccessScope,
}

/// A page of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListTrainingRuns {
    /// Which page, and whose runs.
    pub list: ListQuery,
    /// Runs of one project only.
    pub project_id: Option<String>,
}

/// Which entries of the audit log are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// `all`, `checkpoints`, `projects`, `teams` or `organizations`.
    pub event_type: String,
    /// One day only, as `YYYY-MM-DD`.
    pub day: Option<String>,
}

type Pairs = Vec<(&'static str, String)>;

impl Page {
    /// `limit` entries after the first `offset`.
    pub fn new(limit: u64, offset: u64) -> Self {
        Self { limit, offset }
    }

    pub(super) fn pairs(self) -> Pairs {
        vec![
            ("limit", self.limit.to_string()),
            ("offset", self.offset.to_string()),
        ]
    }
}

impl Default for Page {
    /// The first 100 entries.
    fn default() -> Self {
        Self::new(100, 0)
    }
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            page: Page::new(20, 0),
            access_scope: AccessScope::Owned,
        }
    }
}

impl ListQuery {
    /// A page of what is in reach.
    pub fn new(page: Page, access_scope: AccessScope) -> Self {
        Self { page, access_scope }
    }

    /// At most so many entries.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.page.limit = limit;
        self
    }

    /// Entries after so many others.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.page.offset = offset;
        self
    }

    pub(super) fn pairs(&self) -> Pairs {
        let mut pairs = self.page.pairs();
        pairs.push(("access_scope", self.access_scope.name().into_owned()));
        pairs
    }
}

impl ListTrainingRuns {
    /// A page of what is in reach.
    pub fn new(list: ListQuery) -> Self {
        Self {
            list,
            project_id: None,
        }
    }

    /// At most so many runs.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.list = self.list.with_limit(limit);
        self
    }

    /// Runs after so many others.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.list = self.list.with_offset(offset);
        self
    }

    /// Whose runs; one's own unless set.
    #[must_use]
    pub fn with_access_scope(mut self, scope: AccessScope) -> Self {
        self.list.access_scope = scope;
        self
    }

    /// Runs of one project only.
    #[must_use]
    pub fn with_project_id(mut self, project_id: impl Into<String>) -> Self {
        self.project_id = Some(project_id.into());
        self
    }

    pub(super) fn pairs(&self) -> Pairs {
        let mut pairs = self.list.pairs();
        pairs.push(("project_id", self.project_id.clone().unwrap_or_default()));
        pairs
    }
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            event_type: "all".to_owned(),
            day: None,
        }
    }
}

impl AuditQuery {
    /// Entries of one kind.
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            event_type: event_type.into(),
            day: None,
        }
    }

    /// Entries of one day only, as `YYYY-MM-DD`.
    #[must_use]
    pub fn with_day(mut self, day: impl Into<String>) -> Self {
        self.day = Some(day.into());
        self
    }

    pub(super) fn pairs(&self) -> Pairs {
        let day = self.day.clone().unwrap_or_default();
        vec![("event_type", self.event_type.clone()), ("day", day)]
    }
}
