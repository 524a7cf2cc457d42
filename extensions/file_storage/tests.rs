use std::sync::Arc;

use config::{ComponentId, Decoder};
use pipeline::Telemetry;
use pipeline::component::BuildContext;
use pipeline::extension::ExtensionConfig;
use pipeline::storage::{Change, Namespace, Storage, StorageError, Storages};

use super::log::tests::Folder;
use super::{Config, FACTORY, name};

fn faults(yaml: &str) -> Vec<String> {
    let mut decoder = Decoder::default();
    let config = (FACTORY.decode)(&config::parse(yaml, &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    decoder.finish().0.iter().map(ToString::to_string).collect()
}

fn storages(folder: &Folder) -> Arc<dyn Storages> {
    let config = Config { directory: folder.path().to_str().unwrap().into(), ..Config::default() };
    std::fs::create_dir_all(folder.path()).unwrap();
    let cx = BuildContext::new("file_storage".parse().unwrap(), Telemetry::new("test"));
    config.build(cx).unwrap().storages().unwrap()
}

async fn opened(storages: &dyn Storages, id: &str, name: &str) -> Result<Arc<dyn Storage>, StorageError> {
    let id: ComponentId = id.parse().unwrap();
    storages.open(Namespace { kind: "exporter", id: &id, name }).await
}

#[test]
fn bad_settings_are_told_where_they_stand() {
    let rows = [
        ("directory: /not/there", r#"directory: "/not/there" is not there; make it, or set create_directory: true"#),
        ("directory: /etc/passwd", r#"directory: "/etc/passwd" is not a directory"#),
        (
            "{directory: /tmp, create_directory: true, directory_permissions: '0999'}",
            r#"directory_permissions: must be octal and have no more than 0777, is "0999""#,
        ),
        (
            "{directory: /tmp, create_directory: true, directory_permissions: '7777'}",
            r#"directory_permissions: must be octal and have no more than 0777, is "7777""#,
        ),
        (
            "{directory: /tmp, compaction: {max_transaction_size: -1}}",
            "compaction::max_transaction_size: must not be negative",
        ),
        (
            "{directory: /tmp, compaction: {directory: /tmp, on_rebound: true, check_interval: 0s}}",
            "compaction::check_interval: must be greater than zero when on_rebound is set",
        ),
        (
            "{directory: /tmp, compaction: {directory: /not/there, on_start: true}}",
            r#"compaction::directory: "/not/there" is not there; make it, or set create_directory: true"#,
        ),
        ("{directory: /tmp, fsynk: true}", r#"unknown key "fsynk"; did you mean "fsync"?"#),
    ];
    for (yaml, wanted) in rows {
        assert_eq!(faults(yaml), [wanted], "{yaml}");
    }
    assert!(faults("{directory: /not/there, create_directory: true}").is_empty());
    assert!(faults("{directory: /tmp, directory_permissions: junk}").is_empty(), "not used, not looked at");
}

#[test]
fn folders_have_the_names_of_the_collectors_files_and_an_end_of_their_own() {
    let of = |id: &str, signal: &'static str| {
        let id: ComponentId = id.parse().unwrap();
        name::folder(Namespace { kind: "exporter", id: &id, name: signal })
    };
    assert_eq!(of("otlp", "traces"), "exporter_otlp__traces.kpulse");
    assert_eq!(of("otlp_http/a/b:ä", "logs"), "exporter_otlp_http_a~002Fb~003A~00E4_logs.kpulse");
    assert_eq!(of(&format!("otlp/{}", "x".repeat(300)), "logs").len(), 64 + 7);
}

#[tokio::test]
async fn components_and_signals_share_nothing_and_what_they_keep_outlives_them() {
    let folder = Folder::new();
    let storages = storages(&folder);
    let a = opened(&*storages, "otlp/a", "logs").await.unwrap();
    let b = opened(&*storages, "otlp/a", "traces").await.unwrap();
    let c = opened(&*storages, "otlp/b", "logs").await.unwrap();
    a.put(b"key".to_vec(), "a".into()).await.unwrap();
    b.put(b"key".to_vec(), "b".into()).await.unwrap();
    assert_eq!(c.get(b"key").await.unwrap(), None);
    assert_eq!(a.get(b"key").await.unwrap().as_deref(), Some(&b"a"[..]));
    drop(a);
    let a = opened(&*storages, "otlp/a", "logs").await.unwrap();
    assert_eq!(a.keys().await.unwrap(), [b"key".to_vec()]);
    a.delete(b"key".to_vec()).await.unwrap();
    assert!(a.keys().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_change_whose_answer_nobody_awaits_is_made_in_its_turn() {
    let folder = Folder::new();
    let storage = opened(&*storages(&folder), "otlp", "logs").await.unwrap();
    drop(storage.put(b"1".to_vec(), "x".into()));
    drop(storage.put(b"2".to_vec(), "y".into()));
    drop(storage.delete(b"1".to_vec()));
    storage.batch(Vec::new()).await.unwrap();
    assert_eq!(storage.keys().await.unwrap(), [b"2".to_vec()]);
}

#[tokio::test]
async fn many_writers_at_once_all_get_what_they_asked_for() {
    let folder = Folder::new();
    let config = Config { directory: folder.path().to_str().unwrap().into(), fsync: true, ..Config::default() };
    std::fs::create_dir_all(folder.path()).unwrap();
    let cx = BuildContext::new("file_storage".parse().unwrap(), Telemetry::new("test"));
    let storages = config.build(cx).unwrap().storages().unwrap();
    let storage = opened(&*storages, "otlp", "logs").await.unwrap();
    let puts: Vec<_> = (0..200_u8).map(|n| storage.put(vec![n], vec![n; 5000].into())).collect();
    for put in puts {
        put.await.unwrap();
    }
    let gone: Vec<_> = (0..200).step_by(2).map(|n| Change::Delete { key: vec![n] }).collect();
    storage.batch(gone).await.unwrap();
    drop(storage);
    let storage = opened(&*storages, "otlp", "logs").await.unwrap();
    assert_eq!(storage.keys().await.unwrap(), (1..200).step_by(2).map(|n| vec![n]).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_opened_is_put_aside_only_if_that_is_wanted() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    // A file where the folder belongs.
    std::fs::write(folder.path().join("exporter_otlp__logs.kpulse"), "x").unwrap();
    let error = opened(&*storages(&folder), "otlp", "logs").await.err().unwrap();
    assert!(error.to_string().contains("Not a directory"), "{error}");
    let config = Config { directory: folder.path().to_str().unwrap().into(), recreate: true, ..Config::default() };
    let cx = BuildContext::new("file_storage".parse().unwrap(), Telemetry::new("test"));
    let storages = config.build(cx).unwrap().storages().unwrap();
    opened(&*storages, "otlp", "logs").await.unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_str().unwrap().ends_with(".backup")), "{names:?}");
}
