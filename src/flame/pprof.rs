//! pprof's `profile.proto`, compressed as its readers expect it.

pub(super) mod heap;
pub(super) mod message;

use std::collections::HashMap;
use std::io::Write;

use ebpf::stacks::{Frame, Function, Mapping};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::tally::Runner;
use super::{Recording, Tally};
use message as proto;

/// The whole file.
pub fn render(tally: &Tally, recording: &Recording) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&profile(tally, recording).encode_to_vec())?;
    encoder.finish()
}

/// The profile before it is encoded.
pub(super) fn profile(tally: &Tally, recording: &Recording) -> proto::Profile {
    let period = nanoseconds(recording.period);
    let mut tables = Tables::default();
    let cpu = tables.value_type("cpu", "nanoseconds");
    let sample_type = vec![tables.value_type("samples", "count"), cpu];
    let samples = tally.sorted();
    // Readers take the first mapping for the program.
    let mut mapped =
        samples.iter().flat_map(|(_, frames, _)| frames.iter()).filter_map(|frame| frame.mapping.as_deref());
    if let Some(main) = mapped.find(|mapping| Some(&*mapping.file) == recording.executable.as_deref()) {
        tables.mapping(main);
    }
    let sample =
        samples.into_iter().map(|(runner, frames, count)| tables.sample(runner, frames, count, period)).collect();
    proto::Profile {
        sample_type,
        sample,
        mapping: tables.mappings,
        location: tables.locations,
        function: tables.functions,
        time_nanos: i64::try_from(recording.start_unix_ns).unwrap_or(i64::MAX),
        duration_nanos: nanoseconds(recording.duration),
        period_type: Some(cpu),
        period,
        string_table: tables.strings.texts,
    }
}

fn nanoseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Entries with their ids, which begin with 1.
#[derive(Default)]
struct Tables<'a> {
    strings: Strings,
    functions: Vec<proto::Function>,
    mappings: Vec<proto::Mapping>,
    locations: Vec<proto::Location>,
    function_ids: HashMap<&'a Function, u64>,
    mapping_ids: HashMap<&'a Mapping, u64>,
    location_ids: HashMap<&'a Frame, u64>,
    /// By the place of their names.
    unnamed_ids: HashMap<i64, u64>,
}

/// Texts with their places; the first is empty.
struct Strings {
    texts: Vec<String>,
    places: HashMap<String, i64>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { texts: vec![String::new()], places: HashMap::from([(String::new(), 0)]) }
    }
}

impl Strings {
    fn place(&mut self, text: &str) -> i64 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.texts.len() as i64;
        self.texts.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}

impl<'a> Tables<'a> {
    fn value_type(&mut self, kind: &str, unit: &str) -> proto::ValueType {
        proto::ValueType { r#type: self.strings.place(kind), unit: self.strings.place(unit) }
    }

    fn sample(&mut self, runner: &Runner, frames: &'a [Frame], count: u64, period: i64) -> proto::Sample {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let texts = [("process", &runner.process), ("thread", &runner.thread)];
        let mut label: Vec<_> = texts
            .into_iter()
            .map(|(key, value)| proto::Label { key: self.strings.place(key), str: self.strings.place(value), num: 0 })
            .collect();
        label.push(proto::Label { key: self.strings.place("pid"), str: 0, num: runner.pid.into() });
        let location_id = frames.iter().map(|frame| self.location(frame)).collect();
        proto::Sample { location_id, value: vec![count, count.saturating_mul(period)], label }
    }

    fn location(&mut self, frame: &'a Frame) -> u64 {
        if let Some(id) = self.location_ids.get(frame) {
            return *id;
        }
        let mapping_id = frame.mapping.as_deref().map_or(0, |mapping| self.mapping(mapping));
        let mut line: Vec<_> = frame.functions.iter().map(|function| self.line(function)).collect();
        if line.is_empty() {
            let name = self.unnamed(frame);
            line.push(proto::Line { function_id: name, line: 0, column: 0 });
        }
        let id = self.locations.len() as u64 + 1;
        self.locations.push(proto::Location { id, mapping_id, address: frame.address, line });
        self.location_ids.insert(frame, id);
        id
    }

    /// A function that stands for code without a name.
    fn unnamed(&mut self, frame: &Frame) -> u64 {
        let name = frame.names().next().unwrap_or_default();
        self.text_function(&name)
    }

    /// A location that is only a text.
    fn named(&mut self, text: &str) -> u64 {
        let line = vec![proto::Line { function_id: self.text_function(text), line: 0, column: 0 }];
        let id = self.locations.len() as u64 + 1;
        self.locations.push(proto::Location { id, mapping_id: 0, address: 0, line });
        id
    }

    fn text_function(&mut self, text: &str) -> u64 {
        let place = self.strings.place(text);
        if let Some(id) = self.unnamed_ids.get(&place) {
            return *id;
        }
        let id = self.functions.len() as u64 + 1;
        self.functions.push(proto::Function { id, name: place, system_name: place, filename: 0, start_line: 0 });
        self.unnamed_ids.insert(place, id);
        id
    }

    fn line(&mut self, function: &'a Function) -> proto::Line {
        let function_id = self.function(function);
        proto::Line { function_id, line: function.line.into(), column: function.column.into() }
    }

    fn function(&mut self, function: &'a Function) -> u64 {
        if let Some(id) = self.function_ids.get(function) {
            return *id;
        }
        let name = self.strings.place(&function.name);
        let system_name = function.linkage_name.as_ref().map_or(name, |linkage| self.strings.place(linkage));
        let filename = function.file.as_ref().map_or(0, |file| self.strings.place(file));
        let id = self.functions.len() as u64 + 1;
        self.functions.push(proto::Function { id, name, system_name, filename, start_line: 0 });
        self.function_ids.insert(function, id);
        id
    }

    fn mapping(&mut self, mapping: &'a Mapping) -> u64 {
        if let Some(id) = self.mapping_ids.get(mapping) {
            return *id;
        }
        let build_id = mapping.build_id.as_ref().or(mapping.go_build_id.as_ref());
        let id = self.mappings.len() as u64 + 1;
        self.mappings.push(proto::Mapping {
            id,
            memory_start: mapping.start,
            memory_limit: mapping.limit,
            file_offset: mapping.offset,
            filename: self.strings.place(&mapping.file),
            build_id: build_id.map_or(0, |build_id| self.strings.place(build_id)),
            // What is known is here: readers need not look for the files.
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
        });
        self.mapping_ids.insert(mapping, id);
        id
    }
}
