use std::time::{Duration, Instant};

use pipeline::Sampling;
use serde_json::{Value, json};
use tracing::Level;

use super::line::Line;
use super::sampler::Sampler;

fn line<'a>(fields: &'a [(&'a str, Value)], caller: Option<&str>) -> Line<'a> {
    let fields = fields.iter().map(|(name, value)| (*name, value)).collect();
    Line { time: "T".into(), level: "info", caller: caller.map(Into::into), message: "a \"b\"", fields }
}

#[test]
fn a_console_line_has_tabs_between_its_parts_and_spaces_in_its_fields() {
    let fields = [("resource", json!({"a": "x", "b": 1})), ("list", json!([1, "é\n"]))];
    let text = String::from_utf8(line(&fields, Some("a/b.rs:3")).console()).unwrap();
    assert_eq!(text, "T\tinfo\ta/b.rs:3\ta \"b\"\t{\"resource\": {\"a\": \"x\", \"b\": 1}, \"list\": [1, \"é\\n\"]}\n");
    assert_eq!(line(&[], None).console(), b"T\tinfo\ta \"b\"\n");
}

#[test]
fn a_json_line_is_one_compact_object_with_the_fields_at_the_end() {
    let fields = [("n", json!(1.5))];
    let text = String::from_utf8(line(&fields, Some("a/b.rs:3")).json()).unwrap();
    let wanted = r#"{"level":"info","ts":"T","caller":"a/b.rs:3","msg":"a \"b\"","n":1.5}"#;
    assert_eq!(text, format!("{wanted}\n"));
}

#[test]
fn of_the_same_line_the_first_few_of_a_tick_are_written_and_then_one_in_so_many() {
    let settings = Sampling { tick: Duration::from_secs(10), initial: 3, thereafter: 5 };
    let (mut sampler, start) = (Sampler::new(settings), Instant::now());
    let mut takes = |message, after| sampler.takes(Level::INFO, message, start + Duration::from_secs(after));
    let taken: Vec<u32> = (1..=13).filter(|_| takes("a", 1)).collect();
    assert_eq!(taken, [1, 2, 3, 8, 13]);
    assert!(takes("b", 1));
    assert!(takes("a", 11), "a new tick begins anew");
}
