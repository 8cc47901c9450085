//! What speaks for a row: tests that exist and passed when they ran last, recorded exchanges those
//! tests compare with, wire vectors, and calls made side by side with an official SDK.
//!
//! A test counts only while its source is the one that passed: the ledger holds a digest of it.

mod fixtures;
mod fuzz;
mod ledger;
mod log;
mod proofs;
mod quality;
mod scan;
mod sdk;
mod suite;
mod vectors;

pub(crate) use fuzz::FuzzRuns;
pub(crate) use ledger::{Ledger, State};
pub(crate) use log::parse as parse_log;
pub(crate) use proofs::Proofs;
pub(crate) use quality::{Diagnostics, Quality, count_diagnostics, coverage_of};
pub(crate) use sdk::SdkCases;
pub(crate) use suite::{TestCase, find as find_tests};
pub(crate) use vectors::Vectors;
