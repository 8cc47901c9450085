//! The planner against the emulator or a script: what is asked of the service, how often, and what
//! happens when the service says no. The names are those of the planner's acceptance checks.

mod choices;
mod creation;
mod defects;
mod doubt;
mod ends;
mod keeping;
mod money;
mod reading;
mod renewal;
mod support;
