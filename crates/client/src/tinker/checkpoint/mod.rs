//! Checkpoints on one's own disk: fetched, checked, unpacked and put in place as a whole.

mod download;
mod place;
mod training_weights;
mod unpack;

pub use download::{CheckpointDownload, DownloadedCheckpoint};
pub use unpack::{UnpackLimits, Unpacked, unpack_archive};
