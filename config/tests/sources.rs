use super::World;
use crate::{Value, load, merge, set_flag};

#[test]
fn later_maps_merge_and_later_lists_and_nulls_replace() {
    let world = World {
        files: [("a.yaml", "x: {p: 1, q: [1, 2]}\ny: {r: 1}"), ("b.yaml", "x: {q: [3]}\ny:")].into(),
        ..World::default()
    };
    let mut tree = load("a.yaml", &world).unwrap();
    merge(&mut tree, load("file:b.yaml", &world).unwrap());
    let x = tree.get("x").unwrap();
    assert_eq!(x.get("p").unwrap().value, Value::Int(1));
    assert!(matches!(&x.get("q").unwrap().value, Value::List(items) if items.len() == 1));
    assert!(tree.get("y").unwrap().is_null());
}

#[test]
fn inline_yaml_makes_levels_of_double_colons() {
    let tree = load("yaml:processors::batch::timeout: 2s", &World::default()).unwrap();
    let timeout = tree.get("processors").unwrap().get("batch").unwrap().get("timeout").unwrap();
    assert_eq!(timeout.value, Value::String("2s".into()));
}

#[test]
fn set_makes_levels_of_dots() {
    let tree = set_flag("exporters.debug.verbosity=detailed").unwrap();
    let verbosity = tree.get("exporters").unwrap().get("debug").unwrap().get("verbosity").unwrap();
    assert_eq!(verbosity.value, Value::String("detailed".into()));
    assert!(set_flag("novalue").unwrap_err().to_string().contains("missing equal sign"));
}

#[test]
fn a_missing_file_an_unknown_scheme_and_a_list_say_what_is_wrong() {
    let world = World { files: [("list.yaml", "- a")].into(), ..World::default() };
    assert!(load("none.yaml", &world).unwrap_err().to_string().contains("cannot read none.yaml"));
    assert!(load("ftp:x", &world).unwrap_err().to_string().contains("unknown scheme \"ftp\""));
    assert!(load("list.yaml", &world).unwrap_err().to_string().contains("has to be a map"));
}
