//! Unions of records: the member that tells the kinds apart is no field here, but the kind itself.

use super::{Match, Matcher, Symbol};
use crate::parity::inventory::Row;

/// Macros that declare unions, with the member that tells the kinds of each apart.
const TAGS: &[(&str, &str)] = &[("tagged", "type"), ("event_tagged", "event_type")];

impl Matcher<'_> {
    /// The kind of a union that stands for a member such as `type` of its record.
    pub(super) fn tag_of(&self, row: &Row) -> Option<Match> {
        let holders = self.items_for(row.origin, row.parent());
        let unions = self.surface.items.iter().filter(|item| {
            let tag = TAGS
                .iter()
                .find(|(name, _)| item.macro_name.as_deref() == Some(*name));
            tag.is_some_and(|(_, tag)| *tag == row.wire)
        });
        unions
            .flat_map(|union| union.variants.iter().map(move |variant| (union, variant)))
            .find(|(_, variant)| {
                holders
                    .iter()
                    .any(|item| variant.types.contains(&item.name))
            })
            .map(|(union, variant)| Match {
                macro_name: union.macro_name.clone(),
                ..Match::one(Symbol::Member(union.name.clone(), variant.rust.clone()))
            })
    }
}
