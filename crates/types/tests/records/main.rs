//! Records of the core, field by field: all are read, kept and written under their names.

mod evaluation;
mod generation;
mod helpers;
mod jobs;
mod live;
mod media;
mod retrieval;
mod support;
