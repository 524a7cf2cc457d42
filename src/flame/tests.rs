//! The three kinds of files of the same samples.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ebpf::profile::{Resolved, Sample};
use ebpf::stacks::{Frame, Function, Kind as Code, Mapping};
use ebpf::{Cgroups, Task};
use prost::Message;

use super::pprof::message::Profile;
use super::{Kind, Output, Recording, Tally};

fn function(name: &str) -> Function {
    Function { name: name.into(), file: Some("src/main.rs".into()), line: 7, ..Function::default() }
}

fn frame(address: u64, kind: Code, file: &str, functions: &[&str]) -> Frame {
    let mapping = Mapping {
        start: address & !0xfff,
        limit: (address & !0xfff) + 0x1000,
        offset: 0,
        file: file.into(),
        build_id: None,
        go_build_id: None,
    };
    let functions = functions.iter().map(|name| function(name)).collect();
    Frame { address, kind, mapping: Some(Arc::new(mapping)), functions }
}

fn resolved(comm: &str, thread_name: &str, count: u64, frames: Vec<Frame>) -> Resolved {
    let cgroups = Cgroups { unified: 1, v1_memory: None };
    let process = Task { pid: 42, comm: comm.into(), cgroups };
    let (kernel, user) = (Vec::new(), Vec::new());
    let sample = Sample { process, thread: 43, thread_name: thread_name.into(), count, kernel, user, truncated: false };
    Resolved { sample, frames }
}

/// A stack of each kind of code; leaf first.
fn tally() -> Tally {
    let main = || frame(0x1010, Code::Rust, "/bin/app", &["inlined", "main"]);
    let library = frame(0x7010, Code::Native, "/lib/libstripped.so", &[]);
    let other_place = frame(0x7020, Code::Native, "/lib/libstripped.so", &[]);
    let mut tally = Tally::default();
    tally.add(resolved("app", "app", 3, vec![Frame::kernel(9, Some("schedule".into())), library.clone(), main()]));
    tally.add(resolved("app", "worker", 4, vec![library, main()]));
    tally.add(resolved("app", "worker", 5, vec![other_place, main()]));
    tally.add(resolved(
        "app",
        "worker",
        6,
        vec![frame(0x9000, Code::Compiled("jvm"), "//anon", &["LHot;::spin"]), main()],
    ));
    tally.add(resolved("a\u{1};b\n", "evil", 7, vec![frame(0x8000, Code::Native, "/e", &["f<\"&'>\u{ffff}\u{1b}"])]));
    tally
}

fn recording() -> Recording {
    Recording {
        start_unix_ns: 1_000,
        duration: Duration::from_secs(2),
        period: Duration::from_millis(10),
        frequency_hz: 100,
        executable: Some("/bin/app".into()),
    }
}

fn render(kind: Kind) -> Vec<u8> {
    kind.render(&tally(), &recording()).unwrap()
}

#[test]
fn folded_stacks_name_every_function_from_the_outside_in_and_add_up_equal_ones() {
    let lines = [
        "a :b ;f<\"&'>\u{fffd}  7",
        "app;main;inlined_[i];LHot;::spin_[j] 6".replace("LHot;", "LHot:").as_str(),
        "app;main;inlined_[i];[libstripped.so] 9",
        "app;main;inlined_[i];[libstripped.so];schedule_[k] 3",
    ]
    .map(str::to_owned);
    assert_eq!(String::from_utf8(render(Kind::Folded)).unwrap().lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_flame_graph_has_all_samples_and_only_characters_that_xml_can_hold() {
    let svg = String::from_utf8(render(Kind::Svg)).unwrap();
    assert!(svg.contains("25 samples in 2.0 s at 100 Hz"), "{svg}");
    assert!(svg.contains("f&lt;&quot;&amp;&apos;&gt;\u{fffd}"), "{svg}");
    assert!(svg.chars().all(|c| matches!(c, '\n' | '\t' | '\r') || !c.is_control() && c != '\u{ffff}'));
}

fn pprof() -> Profile {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(render(Kind::Pprof).as_slice()).read_to_end(&mut bytes).unwrap();
    Profile::decode(bytes.as_slice()).unwrap()
}

#[test]
fn pprof_has_the_same_samples_in_counts_and_in_time_and_the_program_first() {
    let profile = pprof();
    let sum = |value: usize| profile.sample.iter().map(|sample| sample.value[value]).sum::<i64>();
    assert_eq!((sum(0), sum(1)), (25, 25 * 10_000_000));
    assert_eq!((profile.period, profile.duration_nanos, profile.time_nanos), (10_000_000, 2_000_000_000, 1_000));
    let text = |place: i64| profile.string_table[place as usize].as_str();
    assert_eq!((text(0), text(profile.mapping[0].filename)), ("", "/bin/app"));
    // Ids are places from 1, and everything that is referred to is there.
    assert!(profile.location.iter().zip(1..).all(|(location, id)| location.id == id));
    assert!(profile.function.iter().zip(1..).all(|(function, id)| function.id == id));
    let inlined = profile.location.iter().find(|location| location.address == 0x1010).unwrap();
    let names = inlined.line.iter().map(|line| text(profile.function[line.function_id as usize - 1].name));
    assert_eq!(names.collect::<Vec<_>>(), ["inlined", "main"]);
    let nameless = profile.function.iter().filter(|function| text(function.name) == "[libstripped.so]");
    assert_eq!(nameless.count(), 1, "one function stands for all code of a file that has no names");
}

#[test]
fn equal_samples_give_equal_files() {
    assert_eq!(pprof(), pprof());
    assert!(render(Kind::Svg) == render(Kind::Svg), "colours, too, are the same");
}

#[test]
fn the_name_of_a_file_tells_its_kind() {
    let kind = |name: &str| name.parse::<Output>().map(|output| output.kind).ok();
    let names = ["a.svg", "x/A.SVG", "a.pb.gz", "a.pprof", "a.folded", "-"];
    let kinds = [Kind::Svg, Kind::Svg, Kind::Pprof, Kind::Pprof, Kind::Folded, Kind::Folded];
    assert_eq!(names.map(kind), kinds.map(Some));
    assert_eq!(["", ".svg", "a", "a.gz", "a.svg.txt"].map(kind), [None; 5]);
}
