//! Any bytes as an OTLP request: what the structural check takes can be decoded, written as JSON, read back, cut and
//! joined, and no item is gained or lost on the way.
#![no_main]

use std::num::NonZeroU32;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pipeline::otlp::json;
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, Origin, Request, Signal};

fn received(signal: Signal, bytes: impl Into<bytes::Bytes>) -> Option<Batch> {
    Batch::received(signal, bytes.into(), Arc::new(Origin::default())).ok()
}

/// What is kept once the structs were made of it: a message can say more on the wire than its structs hold.
fn decoded<T: Request>(batch: &Batch) -> Batch {
    let mut copy = batch.clone();
    copy.change(|_: &mut T| {}).expect("what was checked can be decoded");
    copy
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (signal, size, bytes) = input;
    let signal = Signal::ALL[usize::from(signal) % 4];
    let Some(batch) = received(signal, bytes.to_vec()) else { return };
    let structs = match signal {
        Signal::Traces => decoded::<TracesRequest>(&batch),
        Signal::Metrics => decoded::<MetricsRequest>(&batch),
        Signal::Logs => decoded::<LogsRequest>(&batch),
        Signal::Profiles => decoded::<ProfilesRequest>(&batch),
    };
    let again = received(signal, structs.encode()).expect("what was encoded is sound");
    assert_eq!(again.items(), structs.items(), "encoding");

    let mut text = Vec::new();
    structs.write_json(&mut text).expect("what was encoded can be written");
    let from_json = json::read(signal.schema(), &text).expect("what was written can be read");
    assert_eq!(received(signal, from_json).expect("what was read is sound").items(), structs.items(), "JSON");

    let mut raw = Vec::new();
    batch.write_json(&mut raw).expect("what was checked can be written");

    let Some(max) = NonZeroU32::new(size.into()) else { return };
    let pieces = batch.clone().split(max).expect("what was checked can be cut");
    assert_eq!(pieces.iter().map(Batch::items).sum::<u32>(), batch.items(), "cutting");
    for piece in &pieces {
        let checked = received(signal, piece.encode()).expect("a piece is sound");
        assert_eq!(checked.items(), piece.items(), "a piece");
    }
    if let Some(joined) = Batch::concat(pieces, Arc::new(Origin::default())) {
        let checked = received(signal, joined.encode()).expect("what was joined is sound");
        assert_eq!((checked.items(), joined.items()), (batch.items(), batch.items()), "joining");
    }
});
