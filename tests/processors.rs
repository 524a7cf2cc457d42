//! The table of what processors and connectors make of the inputs beside it: kpulse makes the same as is written down, and
//! that is what a real Collector makes, whose program `COLLECTOR` names (`UPDATE_PROCESSORS=1` writes its answers down).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod peer;

use peer::{Answers, Table, merged};
use serde_json::Value as Json;

fn rows(answers: Answers) -> Vec<(String, String, Json)> {
    answers.into_iter().map(|(input, case, lines)| (input, case, merged(&lines))).collect()
}

fn compare(rows: &[(String, String, Json)], expected: &Json) {
    let differs = |(input, case, row): &&(String, String, Json)| *row != expected[input][case];
    let wrong: Vec<_> = rows.iter().filter(differs).collect();
    let show = |(input, case, row): &&(String, String, Json)| {
        format!("{input} {case}:\n  want {}\n  got  {row}", expected[input][case])
    };
    let shown: Vec<_> = wrong.iter().map(show).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), rows.len(), shown.join("\n"));
}

#[test]
fn every_case_comes_out_as_written_down() {
    let table = Table::read("processors");
    let rows = rows(table.answers(env!("CARGO_BIN_EXE_kpulse")));
    assert!(rows.len() >= 110, "{} cases", rows.len());
    compare(&rows, &table.expected());
}

#[test]
#[ignore = "needs a real Collector: tests/e2e/check_processors_as_collector.sh"]
fn the_table_is_what_a_real_collector_does() {
    let table = Table::read("processors");
    let rows = rows(table.answers(&std::env::var("COLLECTOR").unwrap()));
    if std::env::var_os("UPDATE_PROCESSORS").is_some() {
        table.expect(&rows);
    }
    compare(&rows, &table.expected());
    eprintln!("processors: {} cases as the real Collector", rows.len());
}

#[test]
fn every_case_with_other_feature_gates_comes_out_as_written_down() {
    let table = Table::read("gated");
    compare(&rows(table.answers(env!("CARGO_BIN_EXE_kpulse"))), &table.expected());
}

#[test]
#[ignore = "needs a real Collector: tests/e2e/check_processors_as_collector.sh"]
fn the_table_with_other_feature_gates_is_what_a_real_collector_does() {
    let table = Table::read("gated");
    let rows = rows(table.answers(&std::env::var("COLLECTOR").unwrap()));
    if std::env::var_os("UPDATE_PROCESSORS").is_some() {
        table.expect(&rows);
    }
    compare(&rows, &table.expected());
}

#[test]
#[ignore = "needs a real Collector: tests/e2e/check_processors_as_collector.sh"]
fn of_this_machine_both_say_the_same() {
    let table = Table::read("machine");
    let (theirs, ours) =
        (table.answers(&std::env::var("COLLECTOR").unwrap()), table.answers(env!("CARGO_BIN_EXE_kpulse")));
    for ((_, case, theirs), (_, _, ours)) in rows(theirs).iter().zip(&rows(ours)) {
        assert_eq!(ours, theirs, "{case}");
    }
}
