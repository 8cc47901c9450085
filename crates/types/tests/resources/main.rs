//! The wire types of interactions and of the resources around them, record by record.

mod kinds;
mod media;
mod others;
mod secrets;
mod settings;
mod steps;
mod support;
