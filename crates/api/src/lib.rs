#![doc = include_str!("../README.md")]

pub mod gemini;
mod pager;

pub use pager::{Continuation, Page, Pager};
