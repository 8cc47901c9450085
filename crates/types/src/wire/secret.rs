//! Debug output of records that hold secrets or prompts: which fields are set, never to what.

use std::fmt;

use super::{FieldVisitor, WireValue};

/// Writes the name of a record and those of its fields that are set.
pub(crate) fn debug_names<T: WireValue>(
    name: &str,
    value: &T,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut names = Names::default();
    value.walk(&mut names);
    let mut shown = formatter.debug_struct(name);
    for field in names.found {
        shown.field(field, &format_args!("set"));
    }
    shown.finish_non_exhaustive()
}

/// Collects the names of the outermost fields.
#[derive(Default)]
struct Names {
    depth: usize,
    found: Vec<&'static str>,
}

impl FieldVisitor for Names {
    fn enter(&mut self, _owner: &'static str, field: &'static str) {
        if self.depth == 0 {
            self.found.push(field);
        }
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// Implements `Debug` for wire types that hold secrets or prompts.
macro_rules! names_only_debug {
    ($($name:ident),* $(,)?) => { $(
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::wire::debug_names(stringify!($name), self, formatter)
            }
        }
    )* };
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro declares public types")]

    snake_wire! {
        /// A door.
        pub struct Door {
            /// Its key.
            pub key: Option<String>,
            /// What is behind it.
            pub room: Option<Box<Room>>,
            /// Its colour.
            pub colour: Option<String>,
        }

        /// A room.
        pub struct Room {
            /// What it holds.
            pub treasure: Option<String>,
        }
    }

    names_only_debug!(Door, Room);

    #[test]
    fn debug_output_names_fields_and_hides_what_they_hold() {
        let door = Door::new()
            .set_key("12345")
            .set_room(Room::new().set_treasure("gold"))
            .set_colour("red");
        let shown = format!("{door:?}");
        assert_eq!(shown, "Door { key: set, room: set, colour: set, .. }");
        assert_eq!((Door::FIELDS.len(), Room::FIELDS.len()), (3, 1));
    }
}
