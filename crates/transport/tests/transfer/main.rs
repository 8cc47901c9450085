//! Uploads and downloads against servers that fail in the middle: in memory, where time is
//! tokio's paused clock, and over the loopback interface.

mod download;
mod file_server;
mod server;
mod upload;
mod upload_server;
