//! `process;outermost;...;innermost 42`, as stack collapsers write it.

use std::collections::BTreeMap;

use ebpf::stacks::{Frame, Kind};

use super::Tally;

/// Marks frames of the kernel, so that viewers colour them.
const KERNEL: &str = "_[k]";
/// Marks functions that were inlined.
const INLINED: &str = "_[i]";
/// Marks functions that were compiled at run time.
const COMPILED: &str = "_[j]";

/// One line per stack, sorted, so that equal recordings give equal files.
pub fn render(tally: &Tally) -> String {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for (runner, frames, count) in tally.sorted() {
        let mut line = clean(&runner.process);
        frames.iter().rev().for_each(|frame| push(&mut line, frame));
        *lines.entry(line).or_default() += count;
    }
    lines.into_iter().map(|(stack, count)| format!("{stack} {count}\n")).collect()
}

/// The functions at one address, outermost first; only the first of them has a frame of its own.
fn push(line: &mut String, frame: &Frame) {
    for (depth, name) in frame.names().rev().enumerate() {
        line.push(';');
        line.push_str(&clean(&name));
        line.push_str(match (frame.kind, depth) {
            (Kind::Kernel, _) => KERNEL,
            (Kind::Compiled(_), _) => COMPILED,
            (_, 0) => "",
            _ => INLINED,
        });
    }
}

/// Semicolons part frames, a line is a stack, and XML has no way to write control characters and non-characters, which a
/// thread may have in its name.
fn clean(name: &str) -> String {
    let clean = |c: char| match c {
        ';' => ':',
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => ' ',
        c => c,
    };
    name.chars().map(clean).collect()
}
