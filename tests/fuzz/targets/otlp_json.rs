//! Any text as OTLP/JSON: what is read is sound on the wire, and what is written of it is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipeline::Signal;
use pipeline::otlp::{json, walk};

fuzz_target!(|input: (u8, &[u8])| {
    let (signal, text) = input;
    let schema = Signal::ALL[usize::from(signal) % 4].schema();
    let Ok(bytes) = json::read(schema, text) else { return };
    let items = walk(schema, &bytes).expect("what was read is sound");
    let mut written = Vec::new();
    json::write(schema, &bytes, &mut written).expect("what was read can be written");
    let again = json::read(schema, &written).expect("what was written can be read");
    assert_eq!(walk(schema, &again), Ok(items));
    let mut rewritten = Vec::new();
    json::write(schema, &again, &mut rewritten).expect("what was read can be written");
    assert_eq!(String::from_utf8_lossy(&rewritten), String::from_utf8_lossy(&written));
});
