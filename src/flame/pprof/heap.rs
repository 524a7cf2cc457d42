//! The memory in use as a pprof file. The allocator counts bytes and keeps no stacks, so there is one sample, whose only
//! frame says that.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::message as proto;

/// What stands where others have functions.
const WHERE: &str = "[everything that is allocated; the allocator keeps no stacks]";

/// The whole file.
pub fn render(live_bytes: u64, now_unix_ns: u64) -> std::io::Result<Vec<u8>> {
    let texts = ["", "inuse_space", "bytes", "space", WHERE];
    let function = proto::Function { id: 1, name: 4, system_name: 4, filename: 0, start_line: 0 };
    let line = proto::Line { function_id: 1, line: 0, column: 0 };
    let profile = proto::Profile {
        sample_type: vec![proto::ValueType { r#type: 1, unit: 2 }],
        sample: vec![proto::Sample {
            location_id: vec![1],
            value: vec![i64::try_from(live_bytes).unwrap_or(i64::MAX)],
            label: Vec::new(),
        }],
        location: vec![proto::Location { id: 1, mapping_id: 0, address: 0, line: vec![line] }],
        function: vec![function],
        string_table: texts.map(str::to_owned).to_vec(),
        time_nanos: i64::try_from(now_unix_ns).unwrap_or(i64::MAX),
        period_type: Some(proto::ValueType { r#type: 3, unit: 2 }),
        period: 1,
        ..proto::Profile::default()
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&profile.encode_to_vec())?;
    encoder.finish()
}
