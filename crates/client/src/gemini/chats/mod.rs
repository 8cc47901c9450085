//! Chats: conversations that remember their turns and send only those the service takes.

mod chat;
mod history;
mod send;
mod stream;

pub use chat::{Chat, Chats, CreateChat};
pub use send::SendMessage;
pub use stream::ChatStream;
