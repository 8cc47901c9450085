#![doc = include_str!("../README.md")]

mod schedule;

pub use schedule::{Decay, InvalidSchedule, LrSchedule};
