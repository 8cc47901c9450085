//! The trace of a session in the format of Perfetto: an instant for each request that was applied,
//! on a track for each model.

use std::time::SystemTime;

use prost::Message;

use super::ledger::AppliedRequest;

/// Perfetto's number for an event without a length.
const INSTANT: i32 = 3;

#[derive(Clone, PartialEq, Message)]
struct Trace {
    #[prost(message, repeated, tag = "1")]
    packet: Vec<Packet>,
}

#[derive(Clone, PartialEq, Message)]
struct Packet {
    #[prost(uint64, optional, tag = "8")]
    timestamp: Option<u64>,
    #[prost(uint32, tag = "10")]
    sequence: u32,
    #[prost(message, optional, tag = "11")]
    event: Option<Event>,
    #[prost(message, optional, tag = "60")]
    track: Option<Track>,
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(int32, tag = "9")]
    kind: i32,
    #[prost(uint64, tag = "11")]
    track: u64,
    #[prost(string, tag = "23")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Track {
    #[prost(uint64, tag = "1")]
    uuid: u64,
    #[prost(string, tag = "2")]
    name: String,
}

/// The file.
pub(crate) fn write(applied: &[(SystemTime, AppliedRequest)]) -> Vec<u8> {
    let mut models: Vec<&str> = applied.iter().map(|(_, r)| r.model_id.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    let track = |model: &str| crate::rng::digest(model);
    let mut trace = Trace::default();
    trace.packet.extend(models.into_iter().map(|model| Packet {
        sequence: 1,
        track: Some(Track {
            uuid: track(model),
            name: model.to_owned(),
        }),
        ..Packet::default()
    }));
    trace.packet.extend(applied.iter().map(|(time, request)| {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Packet {
            timestamp: u64::try_from(since.as_nanos()).ok(),
            sequence: 1,
            event: Some(Event {
                kind: INSTANT,
                track: track(&request.model_id),
                name: request.call.to_owned(),
            }),
            track: None,
        }
    }));
    trace.encode_to_vec()
}
