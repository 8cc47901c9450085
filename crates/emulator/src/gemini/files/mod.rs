//! Files: the upload protocol, where their bytes are kept, how long they live, and the calls on
//! them.

mod calls;
mod multipart;
mod names;
mod protocol;
mod ranges;
mod receive;
mod record;
mod sessions;
mod settings;
mod store;

pub(crate) use calls::download;
pub(crate) use names::{download_uri, file_id};
pub(crate) use protocol::Protocol;
pub(crate) use record::{NewFile, Origin};
pub(crate) use sessions::{Finished, Purpose, Uploads};
pub(crate) use settings::FileSettings;
pub(crate) use store::Files;
