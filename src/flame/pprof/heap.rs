//! The memory in use as a pprof file: samples of blocks, each of which stands for those like it that were not met.

use std::io::Write;

use ebpf::stacks::Frame;
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::{Tables, proto};
use crate::allocator::samples::{EVERY_BYTES, Sample};

/// What stands where others have functions.
const ELSEWHERE: &str = "[allocated before anybody watched, or too little to be sampled]";
/// In the names of functions by which an allocation comes here: nobody looks for them.
const ALLOCATOR: [&str; 4] = ["kpulse::allocator::", "_Unwind_Backtrace", "__rust_alloc", "__rust_realloc"];

/// The memory in use.
#[derive(Debug)]
pub struct Heap<'a> {
    /// Those that were sampled.
    pub blocks: Vec<Block<'a>>,
    /// All bytes.
    pub live_bytes: u64,
    /// The time, in nanoseconds since 1970.
    pub now_unix_ns: u64,
    /// The program.
    pub executable: Option<&'a str>,
}

/// A block that was sampled, and what it stands for.
#[derive(Debug)]
pub struct Block<'a> {
    frames: &'a [Frame],
    objects: f64,
    bytes: f64,
}

impl<'a> Block<'a> {
    /// A block is met by a chance that grows with its size; it stands for as many as would be needed to meet one.
    pub fn of(sample: &Sample, frames: &'a [Frame]) -> Self {
        let size = sample.size.max(1) as f64;
        let objects = 1.0 / -(-size / EVERY_BYTES).exp_m1();
        let inner = frames.iter().rposition(|frame| frame.names().any(|name| of_allocator(&name)));
        Self { frames: &frames[inner.map_or(0, |inner| inner + 1)..], objects, bytes: objects * size }
    }
}

fn of_allocator(name: &str) -> bool {
    ALLOCATOR.iter().any(|own| name.contains(own))
}

impl Heap<'_> {
    /// The whole file.
    ///
    /// # Errors
    /// What the compressor came upon.
    pub fn render(&self) -> std::io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.profile().encode_to_vec())?;
        encoder.finish()
    }

    fn profile(&self) -> proto::Profile {
        let mut tables = Tables::default();
        let sample_type = vec![tables.value_type("inuse_objects", "count"), tables.value_type("inuse_space", "bytes")];
        let space = tables.value_type("space", "bytes");
        let mut mapped = self.blocks.iter().flat_map(|block| block.frames).filter_map(|frame| frame.mapping.as_deref());
        if let Some(main) = mapped.find(|mapping| Some(&*mapping.file) == self.executable) {
            tables.mapping(main);
        }
        let whole = |number: f64| number.round() as i64;
        let mut sample: Vec<_> = self
            .blocks
            .iter()
            .map(|block| proto::Sample {
                location_id: block.frames.iter().map(|frame| tables.location(frame)).collect(),
                value: vec![whole(block.objects), whole(block.bytes)],
                label: Vec::new(),
            })
            .collect();
        let known = sample.iter().map(|sample| sample.value[1]).sum::<i64>();
        let elsewhere = i64::try_from(self.live_bytes).unwrap_or(i64::MAX).saturating_sub(known);
        if elsewhere > 0 {
            let location = tables.named(ELSEWHERE);
            sample.push(proto::Sample { location_id: vec![location], value: vec![0, elsewhere], label: Vec::new() });
        }
        proto::Profile {
            sample_type,
            sample,
            mapping: tables.mappings,
            location: tables.locations,
            function: tables.functions,
            string_table: tables.strings.texts,
            time_nanos: i64::try_from(self.now_unix_ns).unwrap_or(i64::MAX),
            period_type: Some(space),
            period: EVERY_BYTES as i64,
            ..proto::Profile::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use ebpf::stacks::Frame;

    use super::{Block, EVERY_BYTES, Heap};
    use crate::allocator::samples::Sample;

    #[test]
    fn a_block_stands_for_those_like_it_and_the_allocators_own_frames_are_left_out() {
        let frame = |address, name: &str| Frame::kernel(address, Some(name.into()));
        let frames = [frame(1, "kpulse::allocator::samples::keep"), frame(2, "__rust_alloc"), frame(3, "wanted")];
        // One byte is met once in so many bytes; a block much larger than that always.
        let (small, large) = (Sample { size: 1, stack: vec![] }, Sample { size: 64 << 20, stack: vec![] });
        let blocks = vec![Block::of(&small, &frames), Block::of(&large, &frames)];
        let profile = Heap { blocks, live_bytes: 80 << 20, now_unix_ns: 7, executable: None }.profile();
        let values: Vec<_> = profile.sample.iter().map(|sample| sample.value.clone()).collect();
        let elsewhere = (80 << 20) - values[0][1] - values[1][1];
        assert!((values[0][0] - EVERY_BYTES as i64).abs() <= 1, "{values:?}");
        assert_eq!(values[1..], [vec![1, 64 << 20], vec![0, elsewhere]]);
        assert_eq!(profile.sample.iter().map(|sample| sample.location_id.len()).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(profile.string_table.iter().any(|text| text == "wanted"));
        assert!(!profile.string_table.iter().any(|text| text.contains("alloc::")));
    }
}
