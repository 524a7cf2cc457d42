//! The tables of components: one folder per row, and every sample is taken by its own factory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::path::Path;

use pipeline::component::{Configured, Factory};

fn check<C: Configured + ?Sized>(kind: &str, table: &[&Factory<C>]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind);
    let folders = std::fs::read_dir(here).unwrap().map(|e| e.unwrap().path()).filter(|p| p.join("mod.rs").exists());
    let folders = folders.map(|p| p.file_name().unwrap().to_str().unwrap().to_owned());
    let mut folders: Vec<_> = folders.collect();
    folders.sort();
    assert_eq!(folders, table.iter().map(|factory| factory.name).collect::<Vec<_>>(), "{kind}");
    for factory in table {
        let mut decoder = config::Decoder::default();
        let node = config::parse(factory.sample, &"sample".into()).unwrap();
        let config = (factory.decode)(&node, &mut decoder);
        config.validate(&mut decoder);
        assert!(decoder.finish().0.is_empty(), "{kind}: {}", factory.name);
    }
}

#[test]
fn folders_and_tables_agree_and_every_sample_is_taken_by_its_own_factory() {
    check("receivers", receivers::ALL);
    check("processors", processors::ALL);
    check("exporters", exporters::ALL);
    check("connectors", connectors::ALL);
    check("extensions", extensions::ALL);
}
