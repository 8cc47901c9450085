//! Files, file search, films and strange servers: the client against the emulator, over a socket.

mod file_search;
mod files;
mod support;
mod tolerance;
mod videos;
