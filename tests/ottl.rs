//! The table of OTTL cases against a real Collector, whose program `COLLECTOR` names. `UPDATE_OTTL=1` writes its answers
//! down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

#[path = "ottl/spelled.rs"]
mod spelled;

mod peer;

use peer::{Table, in_order};
use serde_json::{Value as Json, json};

#[test]
#[ignore = "needs a real Collector: tests/e2e/check_ottl_as_collector.sh"]
fn the_table_is_what_a_real_collector_does() {
    let table = Table::read("ottl");
    let first = |lines: &[Json]| lines.first().cloned().unwrap_or_else(|| json!({}));
    let rows = table.answers(&std::env::var("COLLECTOR").unwrap());
    let spelled = |lines: Vec<Json>| spelled::spelled(first(&lines));
    let rows: Vec<_> = rows.into_iter().map(|(input, case, lines)| (input, case, spelled(lines))).collect();
    if std::env::var_os("UPDATE_OTTL").is_some() {
        table.expect(&kept(&rows, &table.expected()));
    }
    let expected = table.expected();
    for (input, case, row) in &rows {
        assert_eq!(in_order(row), in_order(&expected[input][case]), "{input} {case}");
    }
    assert!(rows.len() >= 200, "{} cases", rows.len());
    eprintln!("ottl: {} cases as the real Collector", rows.len());
}

/// The rows as they were expected before, where they are the same but for an order that means nothing.
fn kept(rows: &[(String, String, Json)], before: &Json) -> Vec<(String, String, Json)> {
    let row = |(input, case, row): &(String, String, Json)| {
        let old = &before[input][case];
        let row = if in_order(old) == in_order(row) { old } else { row };
        (input.clone(), case.clone(), row.clone())
    };
    rows.iter().map(row).collect()
}
