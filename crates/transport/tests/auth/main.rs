//! Credentials in whole calls: on a scripted transport, with real commands and files, and against
//! stubs on the loopback interface.

mod command;
mod exchange;
mod file;
#[cfg(all(unix, feature = "google-auth"))]
mod google;
mod replay;
#[cfg(all(unix, feature = "google-auth"))]
mod stub;
