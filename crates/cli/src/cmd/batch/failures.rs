//! What a person must hear of failures while a batch runs, besides their number.

use std::collections::BTreeMap;
use std::io::Write as _;

use gimmal_batch::Category;
use gimmal_batch::output::OutputRecord;

/// So many items in a row without a connection mean that there is none.
const CUT_OFF_AFTER: u32 = 20;

/// Remembers the first failure of each sort, and notices when nothing gets through any more.
#[derive(Default)]
pub(super) struct FailureWatch {
    first: BTreeMap<Category, (String, String)>,
    unreachable_in_a_row: u32,
    reached: bool,
}

impl FailureWatch {
    /// Takes note of a result; true when the run had better stop.
    pub(super) fn sees(&mut self, record: &OutputRecord) -> bool {
        let category = record.error.as_ref().map(|error| &error.category);
        if let Some(error) = &record.error {
            self.first
                .entry(error.category.clone())
                .or_insert_with(|| (record.id.clone(), error.message.clone()));
        }
        if category == Some(&Category::ConnectionError) {
            self.unreachable_in_a_row += 1;
        } else {
            self.unreachable_in_a_row = 0;
            self.reached = true;
        }
        self.unreachable_in_a_row >= CUT_OFF_AFTER
    }

    /// True when the service could not be reached, at all or any more.
    pub(super) fn is_cut_off(&self) -> bool {
        let never = !self.reached && self.unreachable_in_a_row > 0;
        never || self.unreachable_in_a_row >= CUT_OFF_AFTER
    }

    /// Tells the first failure of each sort.
    pub(super) fn tell(&self) -> std::io::Result<()> {
        for (kind, (id, message)) in &self.first {
            writeln!(
                std::io::stderr(),
                "first item that failed ({kind}): {id}: {message}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use gimmal_batch::output::OutputRecord;

    use super::*;

    fn record(failure: Option<&str>) -> OutputRecord {
        let error =
            failure.map(|kind| serde_json::json!({"kind": kind, "status": null, "message": "m"}));
        serde_json::from_value(serde_json::json!({"id": "a", "index": 0, "error": error})).unwrap()
    }

    #[test]
    fn a_row_of_lost_connections_stops_the_run() {
        let mut watch = FailureWatch::default();
        for _ in 1..CUT_OFF_AFTER {
            assert!(!watch.sees(&record(Some("connection_error"))));
        }
        assert!(watch.is_cut_off(), "nothing was ever reached");
        assert!(!watch.sees(&record(None)));
        assert!(!watch.is_cut_off());
        for _ in 1..CUT_OFF_AFTER {
            assert!(!watch.sees(&record(Some("connection_error"))));
        }
        assert!(watch.sees(&record(Some("connection_error"))) && watch.is_cut_off());
    }
}
