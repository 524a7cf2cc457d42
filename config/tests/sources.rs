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

#[test]
fn a_page_is_a_configuration_and_stands_behind_references() {
    let world = World {
        pages: [("http://host/a.yaml", "x: ${https://host/b}"), ("https://host/b", "{y: 1}")].into(),
        ..World::default()
    };
    let mut tree = load("http://host/a.yaml", &world).unwrap();
    assert_eq!(crate::expand(&mut tree, &world).unwrap(), Vec::<String>::new());
    assert_eq!(tree.get("x").unwrap().get("y").unwrap().value, Value::Int(1));
    let error = load("https://host/none", &world).unwrap_err().to_string();
    assert_eq!(error, "cannot get https://host/none: the answer is 404 Not Found");
}

#[test]
fn a_letter_and_a_colon_are_a_file() {
    let world = World { files: [("c:x.yaml", "a: 1")].into(), ..World::default() };
    assert_eq!(load("c:x.yaml", &world).unwrap().get("a").unwrap().value, Value::Int(1));
}

#[test]
fn schemes_are_lower_case_and_the_known_ones_are_listed() {
    let error = load("HTTP://host/a", &World::default()).unwrap_err().to_string();
    assert!(error.contains("unknown scheme \"HTTP\"") && error.contains("env, file, http, https, yaml"), "{error}");
}
