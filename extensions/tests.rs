//! The table.

use pipeline::component::Configured;

#[test]
fn folders_and_table_agree_and_every_sample_is_taken_by_its_own_factory() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(here).unwrap().map(|e| e.unwrap().path()).filter(|p| p.join("mod.rs").exists());
    let mut folders: Vec<_> = folders.map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    folders.sort();
    assert_eq!(folders, super::ALL.iter().map(|f| f.name).collect::<Vec<_>>());
    for factory in super::ALL {
        let mut decoder = config::Decoder::default();
        let node = config::parse(factory.sample, &"sample".into()).unwrap();
        let config = (factory.decode)(&node, &mut decoder);
        Configured::validate(&*config, &mut decoder);
        assert!(decoder.finish().0.is_empty(), "{}", factory.name);
    }
}
