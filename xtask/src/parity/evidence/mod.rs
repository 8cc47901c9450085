//! What speaks for a row: tests that exist and passed when they ran last, recorded exchanges those
//! tests compare with, and wire vectors.
//!
//! A test counts only while its source is the one that passed: the ledger holds a digest of it.

mod fixtures;
mod ledger;
mod log;
mod proofs;
mod quality;
mod scan;
mod suite;
mod vectors;

pub(crate) use ledger::{Ledger, State};
pub(crate) use log::parse as parse_log;
pub(crate) use proofs::Proofs;
pub(crate) use quality::{Diagnostics, Quality, count_diagnostics, coverage_of, fuzz_seconds_of};
pub(crate) use suite::{TestCase, find as find_tests};
pub(crate) use vectors::Vectors;
