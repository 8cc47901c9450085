//! What we offer, read from our own sources with `syn`: types, fields, values, methods, routes
//! and commands.
//!
//! It only reads; which row of a reference a thing stands for is decided in `matching`.

mod attributes;
mod commands;
mod items;
mod macros;
mod model;
mod read;
mod routes;
mod templates;
mod type_names;

pub(crate) use commands::Command;
pub(crate) use model::{Item, Method, Surface};
pub(crate) use read::{Parsed, parse_all, read};
pub(crate) use routes::Route;
